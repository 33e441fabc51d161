// The forwards of one delivery: one message to the queue, with all of them as recipients.

import { bytesOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { connectQueue, type Queue, type QueueResult } from '@q/queue-socket';
import { Bounce } from './bounce.ts';
import { messageBytes } from './deliver-message.ts';
import type { DeliveryRequest } from './deliver-request.ts';

/** Throws Bounce when the queue refuses the message for good, Temporary for everything else. */
export async function forwardMessage(
  request: DeliveryRequest,
  recipients: readonly string[],
  root: string,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<void> {
  const queue = connectQueue({
    home: root,
    env: { ...env, ...senderVariables(request.sender) },
    program: 'oneshot',
  });
  try {
    const { code, text } = await put(queue, request, recipients);
    if (code === 0) return;
    const reason = `Unable to forward message: ${text.slice(1)}.`;
    throw text.startsWith('D') ? new Bounce(reason) : new Temporary(reason);
  } finally {
    queue.close();
  }
}

/** The sender goes on unchanged; the Delivered-To line lets qmail-local see a loop. */
async function put(
  queue: Queue,
  request: DeliveryRequest,
  recipients: readonly string[],
): Promise<QueueResult> {
  const writer = await queue.open();
  try {
    await writer.write(bytesOf(request.deliveredTo));
    for await (const chunk of messageBytes()) await writer.write(chunk);
  } catch (error) {
    writer.abort(); // nothing is queued of a message that could not be read whole
    throw error;
  }
  return writer.commit(request.sender, recipients);
}

/** What qmail-inject and filters in QMAILQUEUE look at: the sender's two halves. */
function senderVariables(sender: string): NodeJS.ProcessEnv {
  const at = sender.indexOf('@');
  if (at <= 0) return {};
  const text = (part: string) => Buffer.from(part, 'latin1').toString('utf8');
  return { QMAILUSER: text(sender.slice(0, at)), QMAILHOST: text(sender.slice(at + 1)) };
}
