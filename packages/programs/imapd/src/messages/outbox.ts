// The outbox: a folder whose messages are sent by sendmail when they come there by APPEND or COPY (Courier's OUTBOX).

import type { Place } from '@q/mail-account';
import type { Folder, FolderMessage } from '@q/mailbox';
import { CommandRefused } from '../refused.ts';
import type { Outbox, Session } from '../session.ts';
import { openMessageFile } from './message-file.ts';
import { sendMessage } from './send-message.ts';

/** The outbox, if this is the user's. */
export function outboxOf(
  { account, settings }: Pick<Session, 'account' | 'settings'>,
  { dir, root }: Place,
): Outbox | undefined {
  const { outbox } = settings;
  if (outbox === undefined || root !== account.root) return undefined;
  return dir === `${account.root}/${outbox.dir}` ? outbox : undefined;
}

/** Throws CommandRefused when so many messages may not be sent at once: a slip of the hand could send a whole mailbox. */
export function refuseMany({ multiple }: Outbox, count: number): void {
  if (count > 1 && !multiple)
    throw new CommandRefused('NO', 'Only one message at a time can be sent', 'LIMIT');
}

interface Sending {
  readonly session: Session;
  readonly outbox: Outbox;
  readonly folder: Pick<Folder, 'dir'>;
}

/**
 * Sends messages one after the other, and has `store` keep the first `count` of them. Throws CommandRefused and faults.
 *
 * A message is sent first and stored then, so that what is in the outbox was sent. Whoever stores first has to remove again what
 * could not be sent, and after a crash between the two the folder shows as sent what was not. After a crash between ours the
 * message was sent, the client has heard no OK, and there is no copy. If a message of several cannot be sent, those before it
 * are stored, and the answer says how many were: nobody who repeats the command does so unwarned.
 */
export async function sendThenStore<Stored>(
  { session, outbox, folder }: Sending,
  contents: readonly AsyncIterable<Buffer>[],
  store: (count: number) => Promise<readonly Stored[]>,
): Promise<readonly Stored[]> {
  const sender = senderOf(session);
  let sent = 0;
  let trouble: unknown;
  try {
    for (const content of contents) {
      const why = await sendMessage({ outbox, sender, dir: folder.dir, content });
      if (why !== undefined) throw notSent(session, why);
      sent++;
    }
  } catch (error) {
    if (sent === 0) throw error;
    trouble = error;
  }
  const stored = await storeSent(session, sent, store);
  if (trouble === undefined) return stored;
  const why = trouble instanceof CommandRefused ? trouble.message : 'Temporary trouble';
  throw new CommandRefused('NO', `${sent} of ${contents.length} messages were sent. ${why}`);
}

/** A message's bytes as sendmail gets them; it is opened when they are asked for. Throws CommandRefused when it is gone. */
export async function* contentOf(folder: Folder, message: FolderMessage): AsyncGenerator<Buffer> {
  const file = await openMessageFile(folder, message);
  if (file === undefined)
    throw new CommandRefused('NO', 'Some of the messages are gone', 'EXPUNGEISSUED');
  try {
    yield* file.source(0, file.size);
  } finally {
    file.close();
  }
}

// --- internal ---

/** It becomes a header field and an argument. Throws CommandRefused when it could be more than a word there. */
function senderOf({ user }: Session): string {
  if (/^[!-~]*$/.test(user)) return user;
  throw new CommandRefused('NO', 'Your name cannot be a sender', 'CANNOT');
}

/** `why` is another program's, and printable ASCII already. */
function notSent(session: Session, why: string): CommandRefused {
  session.log(`ERR: error sending a message: ${why}`);
  return new CommandRefused('NO', `Not sent: ${why}`);
}

/** What was sent is not to be sent again because it could not be kept: the answer says both. */
async function storeSent<Stored>(
  session: Session,
  sent: number,
  store: (count: number) => Promise<readonly Stored[]>,
): Promise<readonly Stored[]> {
  const stored = await store(sent).catch((error: unknown) => {
    session.log(`ERR: unable to store a message that was sent: ${String(error)}`);
    return [];
  });
  if (stored.length === sent) return stored;
  throw new CommandRefused('NO', 'Sent, but not stored: do not send it again');
}
