// REPLACE and UID REPLACE (RFC 8508): a new message comes and an old one goes, or neither.

import { closeSync } from 'node:fs';
import type { AppendMessage, SequenceSet } from '@q/imap';
import type { Folder, FolderMessage } from '@q/mailbox';
import { CommandRefused } from '../refused.ts';
import type { CommandRow, Reply, Session } from '../session.ts';
import { appendUid, deliverMessages } from './append.ts';
import { outboxOf } from './outbox.ts';
import { changeableView, demandRights } from './rights.ts';
import { openTarget } from './target.ts';

interface ReplaceArguments {
  readonly number: number;
  readonly mailbox: string;
  readonly message: AppendMessage;
}

export function replaceRow(byUid: boolean): CommandRow<ReplaceArguments> {
  return {
    state: 'selected',
    tellsExpunged: true,
    run: (session, given) => replace(session, given, byUid),
  };
}

async function replace(session: Session, given: ReplaceArguments, byUid: boolean): Promise<Reply> {
  const view = changeableView(session);
  await demandRights(session, view, 'te');
  const [old] = view.resolve(session, setOf(given.number), byUid);
  if (old === undefined || old.gone) throw new CommandRefused('NO', 'No such message');
  const target = await openTarget(session, given.mailbox);
  try {
    // It promises a new message for an old one, or neither: nothing can take back what was sent.
    if (outboxOf(session, target.place) !== undefined)
      throw new CommandRefused('NO', 'What is sent replaces nothing: use APPEND', 'CANNOT');
    const delivered = await deliverMessages(session, target, [given.message]);
    try {
      await view.opened.folder.expunge([old]);
    } catch (error) {
      // Better the old one alone than both, but one of them in any case: the old one may be gone although this failed.
      if (await isThere(view.opened.folder, old)) {
        await target.folder.expunge(delivered);
        throw error;
      }
    }
    // RFC 8508, section 4.3: before the EXPUNGE.
    session.untagged(`OK [${appendUid(target, delivered)}] Replacement message is here`);
    return { status: 'OK', text: 'REPLACE completed' };
  } finally {
    target.release();
  }
}

/** Throws when that cannot be found out. */
async function isThere(folder: Folder, message: FolderMessage): Promise<boolean> {
  const opened = await folder.open(message);
  if (opened !== undefined) closeSync(opened.fd);
  return opened !== undefined;
}

/** Infinity is "*". */
function setOf(number: number): SequenceSet {
  return Number.isFinite(number)
    ? { kind: 'numbers', ranges: [[number, number]], open: undefined }
    : { kind: 'numbers', ranges: [], open: number };
}
