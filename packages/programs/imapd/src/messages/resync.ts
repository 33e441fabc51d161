// What changed since a client was last here: SELECT (QRESYNC …) and UID FETCH … (CHANGEDSINCE … VANISHED), RFC 7162,
// sections 3.2.5 and 3.2.6.

import type { NumberRange, ResyncArguments } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import type { Session } from '../session.ts';
import type { View } from '../view.ts';
import { VANISHED_RANGES_MAX } from './limits.ts';
import { flagsLine, tellsRecent, vanishedEarlierLines } from './message-line.ts';

/** Tells of messages gone and changed since. Of a mailbox that is another one now (UIDVALIDITY), nothing: the client begins anew. */
export async function tellChangesSince(
  session: Session,
  view: View,
  known: ResyncArguments,
): Promise<void> {
  const { folder } = view.opened;
  if (known.uidValidity !== folder.uidValidity) return;
  const all: readonly NumberRange[] = [[1, Math.max(1, folder.uidNext - 1)]];
  const uids = known.knownUids?.ranges ?? all;
  const asked = after(uids, lastMatch(view, known.match));
  const missing = known.knownUids && without(asked, view.messages);
  // Which of its messages are gone needs no memory: another server's, or one that was lost in a crash, may be behind.
  if (missing !== undefined && missing.length <= VANISHED_RANGES_MAX)
    session.write(vanishedEarlierLines(missing));
  else tellVanishedSince(session, view, known.modSequence, asked);
  const wanted = new RangeMembership(uids);
  const recents = tellsRecent(session);
  for (const [index, message] of view.messages.entries()) {
    if (message.modseq > known.modSequence && wanted.has(message.uid))
      session.write(flagsLine(session, message, index + 1, recents && view.isRecent(message)));
    if ((index & 255) === 255) await session.drain();
  }
}

/** Those of `uids` that are gone since mod-sequence `since`; those that the client still has in its numbers are not told of here. */
export function tellVanishedSince(
  session: Session,
  view: View,
  since: number,
  uids: readonly NumberRange[],
): void {
  const vanished = intersection(view.opened.folder.vanishedSince(since), uids);
  session.write(vanishedEarlierLines(without(vanished, view.messages)));
}

/**
 * The largest UID that has the message number the client remembers: up to it nothing is gone that the client does not know
 * of, since what is gone only lowers numbers. 0: none.
 */
function lastMatch(view: View, match: ResyncArguments['match']): number {
  if (match === undefined) return 0;
  const uids = numbersOf(match.uids.ranges);
  let last = 0;
  for (const number of numbersOf(match.numbers.ranges)) {
    const uid = uids.next();
    if (uid.done === true || number > view.messages.length) break;
    if (view.messages[number - 1]?.uid === uid.value) last = uid.value;
  }
  return last;
}

function* numbersOf(ranges: readonly NumberRange[]): Generator<number, undefined> {
  for (const [first, last] of ranges)
    for (let number = first; number <= last; number++) yield number;
  return undefined;
}

/** `ranges` above `number`. */
function after(ranges: readonly NumberRange[], number: number): readonly NumberRange[] {
  return ranges
    .filter(([, last]) => last > number)
    .map(([first, last]) => [Math.max(first, number + 1), last]);
}

/** What is in both; each ascending. */
function intersection(
  a: readonly NumberRange[],
  b: readonly NumberRange[],
): readonly NumberRange[] {
  const both: NumberRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [aFirst, aLast] = a[i] as NumberRange;
    const [bFirst, bLast] = b[j] as NumberRange;
    const first = Math.max(aFirst, bFirst);
    const last = Math.min(aLast, bLast);
    if (first <= last) both.push([first, last]);
    if (aLast < bLast) i++;
    else j++;
  }
  return both;
}

/** `ranges` less the UIDs of `messages`, both ascending. */
function without(
  ranges: readonly NumberRange[],
  messages: readonly FolderMessage[],
): readonly NumberRange[] {
  const rest: NumberRange[] = [];
  let at = 0;
  for (const [first, last] of ranges) {
    let from = first;
    while (at < messages.length && (messages[at] as FolderMessage).uid < from) at++;
    for (; at < messages.length && (messages[at] as FolderMessage).uid <= last; at++) {
      const { uid } = messages[at] as FolderMessage;
      if (uid > from) rest.push([from, uid - 1]);
      from = uid + 1;
    }
    if (from <= last) rest.push([from, last]);
  }
  return rest;
}

/** Asked for ascending numbers only. */
class RangeMembership {
  readonly #ranges: readonly NumberRange[];
  #at = 0;

  constructor(ranges: readonly NumberRange[]) {
    this.#ranges = ranges;
  }

  has(number: number): boolean {
    while (this.#at < this.#ranges.length && (this.#ranges[this.#at] as NumberRange)[1] < number)
      this.#at++;
    const range = this.#ranges[this.#at];
    return range !== undefined && range[0] <= number;
  }
}
