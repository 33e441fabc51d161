// FETCH and UID FETCH (RFC 9051, section 6.4.5; RFC 7162, sections 3.1.4 and 3.2.6; RFC 9394, section 3.4).

import { type FetchArguments, resolveSequenceSet, type SequenceSet } from '@q/imap';
import { FLAG, type FolderMessage } from '@q/mailbox';
import { enableCondstore } from '../condstore.ts';
import { CommandRefused } from '../refused.ts';
import type { CommandRow, Reply, Session } from '../session.ts';
import type { View } from '../view.ts';
import { MessageAnswers } from './fetch-answer.ts';
import { fetchPlan } from './fetch-plan.ts';
import { MARKED_AT_ONCE } from './limits.ts';
import { tellVanishedSince } from './resync.ts';
import { rightsNow } from './rights.ts';

export function fetchRow(byUid: boolean): CommandRow<FetchArguments> {
  return {
    state: 'selected',
    tellsExpunged: byUid,
    run: (session, given) => fetch(session, given, byUid),
  };
}

async function fetch(session: Session, given: FetchArguments, byUid: boolean): Promise<Reply> {
  const { view } = session;
  if (view === undefined) throw new CommandRefused('BAD', 'No mailbox is selected');
  const { changedSince } = given;
  if (given.vanished && !(byUid && session.enabled.has('QRESYNC')))
    throw new CommandRefused('BAD', 'VANISHED is for UID FETCH with QRESYNC enabled');
  const messages = wantedMessages(session, view, given, byUid);
  if (changedSince !== undefined || given.items.some(({ kind }) => kind === 'MODSEQ'))
    enableCondstore(session);
  if (given.vanished && changedSince !== undefined)
    tellVanishedSince(session, view, changedSince, uidRanges(session, view, given.set));
  const plan = fetchPlan(given.items, {
    addUid: byUid && !session.enabled.has('UIDONLY'),
    addModseq: changedSince !== undefined,
  });
  const answers = new MessageAnswers(session, view, plan);
  const marks =
    plan.marksSeen &&
    !view.readOnly &&
    messages.some(isUnseen) &&
    (await rightsNow(session, view)).includes('s');
  if (!marks) await answers.tell(messages, NONE);
  for (let at = 0; marks && at < messages.length; at += MARKED_AT_ONCE) {
    const some = messages.slice(at, at + MARKED_AT_ONCE);
    await answers.tell(some, await markSeen(view, some));
  }
  return answer(answers, byUid);
}

const NONE: ReadonlySet<FolderMessage> = new Set();

function wantedMessages(
  session: Session,
  view: View,
  { set, changedSince, partial }: FetchArguments,
  byUid: boolean,
): readonly FolderMessage[] {
  let messages = view.resolve(session, set, byUid);
  // A client that knows UIDs takes one that is not there for what it is.
  if (byUid && messages.some(({ gone }) => gone)) messages = messages.filter(({ gone }) => !gone);
  if (changedSince !== undefined) messages = messages.filter(({ modseq }) => modseq > changedSince);
  if (partial === undefined) return messages;
  const [low, high] = [partial.first, partial.last].sort((a, b) => a - b) as [number, number];
  return low > 0
    ? messages.slice(low - 1, high)
    : messages.slice(Math.max(0, messages.length + low), Math.max(0, messages.length + high + 1));
}

/** UIDs of a set, those of messages no longer there too: "*" is the largest that ever was. */
function uidRanges(session: Session, view: View, set: SequenceSet) {
  if (set.kind === 'saved') return session.savedResult;
  return resolveSequenceSet(set, view.opened.folder.uidNext - 1);
}

/** Those that were not \Seen and are now. A mailbox that cannot be written can be read all the same. */
function isUnseen({ flags, gone }: FolderMessage): boolean {
  return !gone && (flags & FLAG.seen) === 0;
}

async function markSeen(
  view: View,
  messages: readonly FolderMessage[],
): Promise<ReadonlySet<FolderMessage>> {
  const unseen = messages.filter(isUnseen);
  if (unseen.length === 0) return NONE;
  try {
    const change = { change: 'add', flags: FLAG.seen, keywords: [] } as const;
    const { stored } = await view.opened.folder.store(unseen, change);
    return new Set(stored);
  } catch {
    return NONE;
  }
}

/** RFC 2180, section 4.1.2: messages that are gone make a FETCH by number a NO; all others were given. */
function answer({ unreadable, missing, unknownEncoding }: MessageAnswers, byUid: boolean): Reply {
  if (unreadable > 0)
    return { status: 'NO', code: 'UNAVAILABLE', text: 'Some of the messages cannot be read' };
  if (unknownEncoding)
    return { status: 'NO', code: 'UNKNOWN-CTE', text: 'Unknown transfer encoding' };
  if (missing > 0 && !byUid)
    return { status: 'NO', code: 'EXPUNGEISSUED', text: 'Some of the messages are gone' };
  return { status: 'OK', text: byUid ? 'UID FETCH completed' : 'FETCH completed' };
}
