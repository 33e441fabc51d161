// COPY and MOVE, with message numbers and UIDs (RFC 9051, sections 6.4.7 and 6.4.8; UIDPLUS' COPYUID: RFC 4315, section 3).

import { formatSequenceSet, type SequenceSet } from '@q/imap';
import type { Copied, Folder, FolderMessage, LeftBehind } from '@q/mailbox';
import { Progress } from '../progress.ts';
import { CommandRefused } from '../refused.ts';
import type { CommandRow, Opened, Reply, Session } from '../session.ts';
import { changeableFlags } from './flags.ts';
import { contentOf, outboxOf, refuseMany, sendThenStore } from './outbox.ts';
import { changeableView, demandRights } from './rights.ts';
import { claimCopies, openTarget } from './target.ts';

interface CopyArguments {
  readonly set: SequenceSet;
  readonly mailbox: string;
}

export function copyRow(how: 'copy' | 'move', byUid: boolean): CommandRow<CopyArguments> {
  return {
    state: 'selected',
    tellsExpunged: true,
    run: (session, given, tag) => copy(session, given, { how, byUid, tag }),
  };
}

interface Manner {
  readonly how: 'copy' | 'move';
  readonly byUid: boolean;
  readonly tag: string;
}

async function copy(
  session: Session,
  given: CopyArguments,
  { how, byUid, tag }: Manner,
): Promise<Reply> {
  // RFC 6851, section 4.2: a move is a copy, \Deleted and an expunge.
  const view = how === 'move' ? changeableView(session) : session.view;
  if (view === undefined) throw new CommandRefused('BAD', 'No mailbox is selected');
  await demandRights(session, view, how === 'move' ? 'rte' : 'r');
  const wanted = view.resolve(session, given.set, byUid);
  const messages = wanted.filter(({ gone }) => !gone);
  // RFC 2180, section 4.4.1: all or none, and a number stands for a message that the client believes in.
  if (!byUid && messages.length < wanted.length)
    throw new CommandRefused('NO', 'Some of the messages are gone', 'EXPUNGEISSUED');
  const target = await openTarget(session, given.mailbox);
  try {
    const source = view.opened;
    const outbox = outboxOf(session, target.place);
    if (outbox !== undefined) {
      // A move that breaks off has moved some: whoever repeats it would not know which ones were sent.
      if (how === 'move')
        throw new CommandRefused('NO', 'Messages are sent by APPEND and COPY', 'CANNOT');
      refuseMany(outbox, messages.length);
    }
    const staysInQuota =
      how === 'move' && source.place.root === target.place.root && source.place.counted;
    if (!staysInQuota) await claimCopies(session, target.place, source.cache, messages);
    const progress = new Progress(session, tag, messages.length, 1);
    const tell = (done: number) => progress.tell(done, messages.length);
    // All that can be refused comes before: what is copied then is told.
    const forbidden = await forbiddenFlags(session, target);
    const take = (some: readonly FolderMessage[]) =>
      target.folder.take(source.folder, some, how, tell, forbidden);
    const copied =
      outbox === undefined
        ? await take(messages)
        : await sendThenStore(
            { session, outbox, folder: target.folder },
            messages.map((message) => contentOf(source.folder, message)),
            (count) => take(messages.slice(0, count)),
          );
    // A move that broke off has left the others where they were.
    const isWhole = how === 'copy' || messages.every(({ gone }) => gone);
    return answer(session, target.folder, copied, { how, byUid, isWhole });
  } finally {
    target.release();
  }
}

/** Flags that the user may not set where the copies are (RFC 4314, section 4) are not set there. */
async function forbiddenFlags(session: Session, { place }: Opened): Promise<LeftBehind> {
  const may = changeableFlags(await session.account.rights(place), true);
  const all = changeableFlags('swt', true).flags;
  return { flags: all & ~may.flags, keywords: !may.keywords };
}

function answer(
  session: Session,
  { uidValidity }: Folder,
  copied: readonly Copied[],
  { how, byUid, isWhole }: { how: 'copy' | 'move'; byUid: boolean; isWhole: boolean },
): Reply {
  const from = formatSequenceSet(copied.map((one) => one.from.uid));
  const to = formatSequenceSet(copied.map((one) => one.to.uid));
  const code = copied.length > 0 ? { code: `COPYUID ${uidValidity} ${from} ${to}` } : {};
  const done = `${byUid ? 'UID ' : ''}${how === 'copy' ? 'COPY' : 'MOVE'} completed`;
  if (how === 'copy') return { status: 'OK', ...code, text: done };
  // RFC 6851, section 4.3: before the EXPUNGE of what it names.
  if (code.code !== undefined) session.untagged(`OK [${code.code}] Moved`);
  if (isWhole) return { status: 'OK', text: done };
  return { status: 'NO', code: 'UNAVAILABLE', text: 'Not all of the messages were moved' };
}
