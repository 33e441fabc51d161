// The message on descriptor 0 goes to the queue again, under another envelope: forward(1), condredirect(1).

import { bytesOf } from '@q/bytes';
import { qmailHome } from '@q/control';
import { errnoText, Permanent, Temporary } from '@q/fault';
import { stdinChunks } from '@q/fsx';
import { mailText } from '@q/proc';
import { connectQueue, type QueueWriter } from '@q/queue-socket';

export interface Requeued {
  /** The line before the message, latin1, with its LF. */
  readonly deliveredTo: string;
  /** Envelope, latin1 without angle brackets. */
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Where descriptor 0 is read from: the start, or where it stands, as a pipe must be. */
  readonly from: 'start' | 'here';
}

/** Queues it and resolves to its number in the logs. Throws a fault with the queue's own words. */
export function requeue(message: Requeued, env: Readonly<NodeJS.ProcessEnv>): Promise<string> {
  return enqueue(env, message.sender, message.recipients, async (writer) => {
    await writer.write(bytesOf(message.deliveredTo));
    try {
      const position = message.from === 'start' ? 0 : null;
      for await (const chunk of stdinChunks(position)) await writer.write(chunk);
    } catch (cause) {
      throw new Temporary(`unable to read message: ${errnoText(cause)}`, { cause });
    }
  });
}

/**
 * Queues what `write` writes. Nothing is queued if it throws. Resolves to the message's number in the
 * logs; throws a fault with the queue's own words.
 */
export async function enqueue(
  env: Readonly<NodeJS.ProcessEnv>,
  sender: string,
  recipients: readonly string[],
  write: (writer: QueueWriter) => Promise<void>,
): Promise<string> {
  const queue = connectQueue({ home: qmailHome(env), env, program: 'oneshot' });
  try {
    const writer = await queue.open();
    try {
      await write(writer);
    } catch (error) {
      writer.abort();
      throw error;
    }
    const { text, qp } = await writer.commit(sender, recipients);
    if (text.startsWith('K')) return qp ?? '';
    const reason = Buffer.from(text.slice(1), 'latin1').toString('utf8');
    throw text.startsWith('D') ? new Permanent(reason) : new Temporary(reason);
  } finally {
    queue.close();
  }
}

/** A variable that qmail-local sets, as mail text. Throws Permanent: without it this is no delivery. */
export function deliveryVariable(env: Readonly<NodeJS.ProcessEnv>, name: string): string {
  const value = env[name];
  if (value === undefined) throw new Permanent(`${name} not set`);
  return mailText(value);
}
