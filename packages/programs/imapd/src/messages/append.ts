// APPEND (RFC 9051, section 6.3.12; MULTIAPPEND: RFC 3502; CATENATE: RFC 4469; UTF8: RFC 6855, section 4; literal8: RFC 3516,
// section 4.4). The dispatcher has spooled the literals before.

import { type AppendMessage, formatSequenceSet } from '@q/imap';
import type { FolderMessage, NewMessage, Spool } from '@q/mailbox';
import { CommandRefused } from '../refused.ts';
import type { CommandRow, Opened, Session } from '../session.ts';
import { writeBinary } from './binary-message.ts';
import { writeParts } from './catenate.ts';
import { allowedFlags, changeableFlags, flagsOf } from './flags.ts';
import { DATE_MAX, DATE_MIN } from './limits.ts';
import { outboxOf, refuseMany, sendThenStore } from './outbox.ts';
import { spooled } from './spooled.ts';
import { openTarget } from './target.ts';

export const appendRow: CommandRow<{
  readonly mailbox: string;
  readonly messages: readonly AppendMessage[];
}> = {
  state: 'authenticated',
  tellsExpunged: true,
  async run(session, { mailbox, messages }) {
    const target = await openTarget(session, mailbox);
    try {
      const delivered = await deliverMessages(session, target, messages);
      return { status: 'OK', code: appendUid(target, delivered), text: 'APPEND completed' };
    } finally {
      target.release();
    }
  },
};

/** UIDPLUS' response code (RFC 4315, section 3). */
export function appendUid({ folder }: Opened, delivered: readonly FolderMessage[]): string {
  return `APPENDUID ${folder.uidValidity} ${formatSequenceSet(delivered.map(({ uid }) => uid))}`;
}

/**
 * All or none. Throws CommandRefused, NameFault and faults; nothing remains of the messages then. What comes to the outbox is
 * sent before.
 */
export async function deliverMessages(
  session: Session,
  target: Opened,
  messages: readonly AppendMessage[],
): Promise<readonly FolderMessage[]> {
  const may = changeableFlags(
    await session.account.rights(target.place),
    session.settings.keywords,
  );
  const outbox = outboxOf(session, target.place);
  if (outbox !== undefined) refuseMany(outbox, messages.length);
  const made: Spool[] = [];
  try {
    const ready: NewMessage[] = [];
    for (const message of messages) {
      const spool = await spoolOf(session, target, message, made);
      if (spool.size === 0) throw new CommandRefused('NO', 'A message cannot be empty');
      const { flags, keywords } = allowedFlags(flagsOf(message.flags), may);
      ready.push({ spool, flags, keywords, time: timeOf(message) });
    }
    // What was sent has its room; what was put together may be larger.
    if (made.length > 0) {
      const bytes = ready.reduce((sum, { spool }) => sum + spool.size, 0);
      await session.account.claim(target.place, bytes, ready.length);
    }
    if (outbox === undefined) return await target.folder.deliver(ready);
    return await sendThenStore(
      { session, outbox, folder: target.folder },
      ready.map(({ spool }) => spool.read(0, spool.size)),
      (count) => target.folder.deliver(ready.slice(0, count)),
    );
  } finally {
    for (const spool of made) await spool.discard();
  }
}

/** The message as it shall stand in the file. A spool that had to be made is put into `made`, also when it fails. */
async function spoolOf(
  session: Session,
  { folder }: Opened,
  message: AppendMessage,
  made: Spool[],
): Promise<Spool> {
  if (message.utf8 && !session.utf8) throw new CommandRefused('BAD', 'UTF8 is not enabled');
  const [first] = message.parts;
  const isOne = message.parts.length === 1 && first?.kind === 'data';
  if (isOne && !first.binary) return spooled(session, first.index);
  const spool = await folder.spool();
  made.push(spool);
  if (isOne) await writeBinary(session, spooled(session, first.index), spool);
  else await writeParts(session, message.parts, spool);
  return spool;
}

/** Clients send all sorts of dates; the message is worth more than its date. */
function timeOf({ date }: AppendMessage): number | undefined {
  return date === undefined ? undefined : Math.min(Math.max(date.milliseconds, DATE_MIN), DATE_MAX);
}
