// EXPUNGE, UID EXPUNGE (RFC 4315), and the removal that CLOSE, MOVE and REPLACE share with them.

import type { SequenceSet } from '@q/imap';
import { NameFault, type Place } from '@q/mail-account';
import { FLAG, type FolderMessage } from '@q/mailbox';
import type { CommandRow, Reply, Session } from '../session.ts';
import type { View } from '../view.ts';
import { changeableView, demandRights } from './rights.ts';

export const expungeRow: CommandRow<object> = {
  state: 'selected',
  tellsExpunged: true,
  run: (session) => expunge(session, undefined),
};

export const uidExpungeRow: CommandRow<{ readonly set: SequenceSet }> = {
  state: 'selected',
  tellsExpunged: true,
  run: (session, { set }) => expunge(session, set),
};

async function expunge(session: Session, set: SequenceSet | undefined): Promise<Reply> {
  const view = changeableView(session);
  await demandRights(session, view, 'e');
  const { folder } = view.opened;
  // Another program may have taken \Deleted away.
  await folder.refresh({ takeNew: true });
  const among = set === undefined ? view.messages : view.resolve(session, set, true);
  const messages = among.filter(({ flags, gone }) => !gone && (flags & FLAG.deleted) !== 0);
  await expungeMessages(session, view, messages);
  const text = set === undefined ? 'EXPUNGE completed' : 'UID EXPUNGE completed';
  // RFC 7162, section 3.2.7
  if (!session.enabled.has('QRESYNC') || messages.length === 0) return { status: 'OK', text };
  return { status: 'OK', code: `HIGHESTMODSEQ ${folder.highestModseq}`, text };
}

/** Removes messages, or moves them to the Trash where the settings say so; nothing is told. */
export async function expungeMessages(
  session: Session,
  view: View,
  messages: readonly FolderMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  const { folder, place } = view.opened;
  const { settings } = session;
  if (settings.logDeletions) logDeletions(session, place, messages);
  // What another owner's user deletes is not for this one's Trash.
  if (settings.expungeToTrash && !place.trash && place.space === 'personal')
    await moveToTrash(session, view, messages);
  else await folder.expunge(messages);
}

async function moveToTrash(
  session: Session,
  view: View,
  messages: readonly FolderMessage[],
): Promise<void> {
  const trash = await session.open(await trashPlace(session));
  try {
    // With that flag the next EXPUNGE there would take them for good.
    const without = { flags: FLAG.deleted, keywords: false };
    await trash.folder.take(view.opened.folder, messages, 'move', undefined, without);
  } finally {
    trash.release();
  }
}

/** The Trash folder, which is made when there is none. */
async function trashPlace({ account, settings }: Session): Promise<Place> {
  const name = `${account.namespaces.personal[0]?.prefix ?? ''}${settings.trashFolder}`;
  try {
    return await account.find(name, '');
  } catch (error) {
    if (!(error instanceof NameFault) || error.code !== 'NONEXISTENT') throw error;
    return account.create(name, ['\\Trash']);
  }
}

function logDeletions(session: Session, place: Place, messages: readonly FolderMessage[]): void {
  for (const { uid, base } of messages)
    session.log(`EXPUNGED, user=${session.user}, folder=${place.name}, uid=${uid}, file=${base}`);
}
