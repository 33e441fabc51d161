// SELECT and EXAMINE (RFC 9051, section 6.3.2; RFC 3501, section 6.3.1 for clients that have not enabled IMAP4rev2;
// RFC 7162, section 3.1.8 and 3.2.5; RFC 8474, section 4.3), CLOSE and UNSELECT.

import type { SelectArguments } from '@q/imap';
import type { Place } from '@q/mail-account';
import { FLAG, type Folder } from '@q/mailbox';
import { CommandRefused } from '../refused.ts';
import type { CommandRow, Opened, Reply, Session } from '../session.ts';
import { MailboxView, takesNew, type View } from '../view.ts';
import { expungeMessages } from './expunge.ts';
import { changeableFlags, flagsText, SYSTEM_FLAG_WORDS } from './flags.ts';
import { tellsRecent } from './message-line.ts';
import { tellChangesSince } from './resync.ts';
import { rightsNow } from './rights.ts';

/** As SELECT; `readOnly`: EXAMINE. */
export function selectRow(readOnly: boolean): CommandRow<SelectArguments> {
  return {
    state: 'authenticated',
    tellsExpunged: true,
    run: (session, given) => select(session, given, readOnly),
  };
}

async function select(session: Session, given: SelectArguments, examine: boolean): Promise<Reply> {
  if (given.resync !== undefined && !session.enabled.has('QRESYNC'))
    throw new CommandRefused('BAD', 'QRESYNC is not enabled');
  // Whatever comes of it, the mailbox that was selected is no more (RFC 9051, section 6.3.2).
  if (session.view !== undefined) {
    leave(session);
    session.untagged('OK [CLOSED] Previous mailbox closed');
  }
  const place = await session.account.find(given.mailbox, 'r');
  const rights = await session.account.rights(place);
  const readOnly = examine || !/[istwe]/.test(rights);
  const opened = await session.open(place);
  const view = await viewOf(opened, { readOnly, rights });
  session.view = view;
  if (given.condstore) session.enabled.add('CONDSTORE');
  tellMailbox(session, view, place);
  if (given.resync !== undefined) await tellChangesSince(session, view, given.resync);
  return {
    status: 'OK',
    code: readOnly ? 'READ-ONLY' : 'READ-WRITE',
    text: examine ? 'EXAMINE completed' : 'SELECT completed',
  };
}

async function viewOf(opened: Opened, access: Pick<View, 'readOnly' | 'rights'>): Promise<View> {
  try {
    await opened.folder.refresh({ takeNew: takesNew({ ...access, opened }) });
    return new MailboxView(opened, access);
  } catch (error) {
    opened.release();
    throw error;
  }
}

function leave(session: Session): void {
  session.view?.close();
  session.view = undefined;
  session.savedResult = [];
}

/** All that is said of a mailbox before the answer. */
function tellMailbox(session: Session, view: View, place: Place): void {
  const { folder } = view.opened;
  const keywords = session.settings.keywords ? folder.keywords : [];
  session.untagged(`FLAGS (${[...SYSTEM_FLAG_WORDS, ...keywords].join(' ')})`);
  session.untagged(
    `OK [PERMANENTFLAGS (${permanentFlags(session, view).join(' ')})] Flags that are kept`,
  );
  session.untagged(`${view.count} EXISTS`);
  if (tellsRecent(session)) {
    session.untagged(`${view.recentCount} RECENT`);
    // A message number, which such a client does not want to see: RFC 9586.
    const firstUnseen = session.enabled.has('UIDONLY') ? 0 : view.firstUnseen;
    if (firstUnseen > 0) session.untagged(`OK [UNSEEN ${firstUnseen}] First unseen message`);
  }
  session.untagged(`OK [UIDVALIDITY ${folder.uidValidity}] UIDs valid`);
  session.untagged(`OK [UIDNEXT ${folder.uidNext}] Predicted next UID`);
  session.untagged(`OK [HIGHESTMODSEQ ${folder.highestModseq}] Highest mod-sequence`);
  session.untagged(`OK [MAILBOXID (${folder.mailboxId})] Identity of the mailbox`);
  if (session.enabled.has('IMAP4REV2'))
    session.untagged(`LIST () "${separatorOf(session, place)}" ${session.mailboxText(place.name)}`);
}

function permanentFlags(session: Session, { opened, readOnly, rights }: View): readonly string[] {
  if (readOnly) return [];
  const { folder } = opened;
  const may = changeableFlags(rights, session.settings.keywords);
  const words = flagsText(
    { flags: may.flags, keywords: may.keywords ? folder.keywords : [] },
    false,
  );
  const list = words === '' ? [] : words.split(' ');
  return may.keywords && folder.acceptsKeywords ? [...list, '\\*'] : list;
}

function separatorOf({ account }: Session, { space }: Place): string {
  const { personal, shared } = account.namespaces;
  return ((space === 'shared' ? shared[0] : undefined) ?? personal[0])?.separator ?? '/';
}

/** The UIDs and numbers of a mailbox that is left mean nothing any more. */
export const unselectRow: CommandRow<object> = {
  state: 'selected',
  tellsExpunged: false,
  async run(session) {
    leave(session);
    return { status: 'OK', text: 'UNSELECT completed' };
  },
};

/** CLOSE expunges without saying so, where the user may (RFC 9051, section 6.4.1). */
export const closeRow: CommandRow<object> = {
  state: 'selected',
  tellsExpunged: false,
  async run(session) {
    const { view } = session;
    if (view !== undefined && !view.readOnly && (await rightsNow(session, view)).includes('e')) {
      await view.opened.folder.refresh({ takeNew: false });
      const isDeleted = (message: Folder['messages'][number]) =>
        (message.flags & FLAG.deleted) !== 0;
      await expungeMessages(session, view, view.opened.folder.messages.filter(isDeleted));
    }
    leave(session);
    return { status: 'OK', text: 'CLOSE completed' };
  },
};
