// Search keys that are decided without looking into a message file: by flags and numbers, or by the facts that the cache
// remembers (RFC 9051, section 6.4.4; RFC 5032; RFC 7162, section 3.1.5; RFC 8474; RFC 8514).

import { asciiLower } from '@q/bytes';
import { resolveSequenceSet, type SearchKey, type SequenceSet } from '@q/imap';
import type { MessageFacts } from '@q/mail-cache';
import { FLAG, type FolderMessage } from '@q/mailbox';
import { parseSentDate } from '@q/mime';
import type { Session } from '../session.ts';
import type { View } from '../view.ts';
import { dayAfter, dayInServerZone } from './day.ts';

/** Whether a message matches. `facts` is called only when it depends on them; undefined: they are not known yet. */
export type MessageTest = (
  message: FolderMessage,
  facts: () => MessageFacts | undefined,
) => boolean;

/** Keys that this file decides. */
export type TestedKey = Exclude<
  SearchKey,
  { readonly kind: 'and' | 'or' | 'not' | 'fuzzy' | 'header' | 'body' | 'text' }
>;

export interface KeyTest {
  readonly needsFacts: boolean;
  readonly test: MessageTest;
}

/** What a key may refer to, at the time of the command. */
export interface Surroundings {
  readonly session: Session;
  readonly view: View;
  /** Milliseconds. */
  readonly now: number;
}

/** Throws BAD for message numbers when the client wants none (RFC 9586). Sets are resolved now: what they hold later is no matter (RFC 5267, 4.3). */
export function keyTest(key: TestedKey, around: Surroundings): KeyTest {
  switch (key.kind) {
    case 'all':
    case 'saveDateSupported':
      return plain(() => true);
    case 'recent':
      return plain((message) => around.view.isRecent(message));
    case 'old':
      return plain((message) => !around.view.isRecent(message));
    case 'new':
      return plain((message) => (message.flags & FLAG.seen) === 0 && around.view.isRecent(message));
    case 'flag':
      return plain(flagTest(key.flag, key.set));
    case 'sequence':
    case 'uid':
      return plain(setTest(key, around));
    case 'modseq':
      return plain((message) => message.modseq >= key.least);
    default:
      return { needsFacts: true, test: withFacts(factsTest(key, around.now)) };
  }
}

/** Numbers beyond the mailbox match nothing: neither Courier nor Dovecot refuses them in a search, and clients are used to that. */
function setTest(
  { kind, set }: Extract<SearchKey, { readonly kind: 'sequence' | 'uid' }>,
  { session, view }: Surroundings,
): (message: FolderMessage) => boolean {
  // "$" is the same messages whichever way it is asked for.
  const found = new Set(
    kind === 'uid' || set.kind === 'saved'
      ? view.resolve(session, set, true)
      : view.resolve(session, within(set, view.messages.length), false),
  );
  return (message) => found.has(message);
}

/** What of the numbers is in a mailbox of `count` messages. */
function within(
  set: Extract<SequenceSet, { readonly kind: 'numbers' }>,
  count: number,
): SequenceSet {
  const ranges = resolveSequenceSet(set, count)
    .filter(([first]) => first <= count)
    .map(([first, last]) => [first, Math.min(last, count)] as const);
  return { kind: 'numbers', ranges, open: undefined };
}

function plain(test: (message: FolderMessage) => boolean): KeyTest {
  return { needsFacts: false, test };
}

function withFacts(test: (facts: MessageFacts) => boolean): MessageTest {
  return (_, facts) => {
    const known = facts();
    return known !== undefined && test(known);
  };
}

/** Keywords are compared without case. Messages with equal keywords share one list, so each list is looked through once. */
function flagTest(flag: string, set: boolean): (message: FolderMessage) => boolean {
  const bit = SYSTEM_FLAGS[flag];
  if (bit !== undefined) return (message) => ((message.flags & bit) !== 0) === set;
  const wanted = asciiLower(flag);
  const known = new WeakMap<readonly string[], boolean>();
  return ({ keywords }) => {
    let has = known.get(keywords);
    if (has === undefined) {
      has = keywords.some((keyword) => asciiLower(keyword) === wanted);
      known.set(keywords, has);
    }
    return has === set;
  };
}

const SYSTEM_FLAGS: Readonly<Record<string, number>> = {
  '\\Answered': FLAG.answered,
  '\\Deleted': FLAG.deleted,
  '\\Draft': FLAG.draft,
  '\\Flagged': FLAG.flagged,
  '\\Seen': FLAG.seen,
};

type FactsKey = Extract<
  TestedKey,
  { readonly kind: 'larger' | 'smaller' | 'older' | 'younger' | 'emailId' | 'threadId' | 'date' }
>;

function factsTest(key: FactsKey, now: number): (facts: MessageFacts) => boolean {
  switch (key.kind) {
    case 'larger':
      return (facts) => facts.crlfSize > key.bytes;
    case 'smaller':
      return (facts) => facts.crlfSize < key.bytes;
    case 'older': {
      const target = now - key.seconds * 1000;
      return (facts) => facts.time <= target;
    }
    case 'younger': {
      const target = now - key.seconds * 1000;
      return (facts) => facts.time >= target;
    }
    case 'emailId':
      return (facts) => facts.emailId === key.id;
    case 'threadId':
      return (facts) => facts.threadId === key.id;
    case 'date':
      return dateTest(key);
  }
}

type DateKey = Extract<SearchKey, { readonly kind: 'date' }>;

function dateTest(key: DateKey): (facts: MessageFacts) => boolean {
  if (key.of === 'sent') return sentTest(key.relation, Math.round(key.day / DAY_MS));
  const begins = dayInServerZone(key.day);
  const ends = dayInServerZone(dayAfter(key.day));
  const timeOf = (facts: MessageFacts) => (key.of === 'saved' ? facts.saved : facts.time);
  switch (key.relation) {
    case 'before':
      return (facts) => timeOf(facts) < begins;
    case 'since':
      return (facts) => timeOf(facts) >= begins;
    case 'on':
      return (facts) => timeOf(facts) >= begins && timeOf(facts) < ends;
  }
}

/**
 * By the day that the Date field names, whatever the zone beside it. A message without a date is on no day. The moment, which is
 * remembered, says the day to within one, so that the field is read only of messages near the limit.
 */
function sentTest(relation: DateKey['relation'], wanted: number): (facts: MessageFacts) => boolean {
  const compare = (day: number) =>
    relation === 'on' ? day === wanted : relation === 'since' ? day >= wanted : day < wanted;
  return ({ sent, envelope }) => {
    if (sent === undefined) return false;
    const near = Math.floor(sent / DAY_MS);
    if (Math.abs(near - wanted) > 1) return compare(near);
    const written = parseSentDate(envelope.date ?? '');
    return written !== undefined && compare(written.day);
  };
}

const DAY_MS = 86_400_000;
