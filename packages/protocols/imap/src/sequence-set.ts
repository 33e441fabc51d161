// Sequence sets (RFC 9051, section 9): message numbers or UIDs, "1,3:5,9:*", or "$" for the last search result
// (RFC 5182).

import { SET_RANGES_MAX } from './limits.ts';

/** From and to, both in the set, first <= last. */
export type NumberRange = readonly [first: number, last: number];

/** As the client wrote it, but for order: "*" is known only when the set is used. */
export type SequenceSet =
  | { readonly kind: 'saved' }
  /**
   * `ranges` are ascending and neither overlap nor touch. `open` is the smallest n of all "n:*" and "*:n";
   * Infinity for "*" alone: the last message; undefined when there is no "*".
   */
  | {
      readonly kind: 'numbers';
      readonly ranges: readonly NumberRange[];
      readonly open: number | undefined;
    };

/**
 * The set that `text` is, or undefined when it is none: 0, more than 2^32-1, or more ranges than we hold. Ranges may
 * be reversed, overlap and be in any order (RFC 9051: "4:2" is "2:4").
 *
 *     sequence-set = (seq-number / seq-range) *("," sequence-set) / "$"
 *     seq-number   = nz-number / "*"
 *     seq-range    = seq-number ":" seq-number
 */
export function parseSequenceSet(text: string): SequenceSet | undefined {
  if (text === '$') return { kind: 'saved' };
  const ranges: NumberRange[] = [];
  let open: number | undefined;
  for (const part of text.split(',')) {
    const match = PART.exec(part);
    if (match === null) return undefined;
    const a = setNumber(match[1]);
    const b = match[2] === undefined ? a : setNumber(match[2]);
    if (a === undefined || b === undefined) return undefined;
    const first = Math.min(a, b);
    const last = Math.max(a, b);
    if (last === STAR) open = Math.min(open ?? STAR, first);
    else ranges.push([first, last]);
  }
  const merged = mergeRanges(ranges);
  return merged.length > SET_RANGES_MAX ? undefined : { kind: 'numbers', ranges: merged, open };
}

/**
 * The numbers of `set` with "*" put in: `largest` is the number of messages or the largest UID. In an empty mailbox
 * (0) "*" is no number (RFC 9051 leaves it; nothing can match). "n:*" always has the largest, also when n is beyond.
 * Numbers beyond `largest` stay in: of message numbers they are the client's error, of UIDs they match nothing.
 */
export function resolveSequenceSet(
  set: Extract<SequenceSet, { kind: 'numbers' }>,
  largest: number,
): readonly NumberRange[] {
  if (set.open === undefined || largest === 0) return set.ranges;
  return mergeRanges([...set.ranges, [Math.min(set.open, largest), largest]]);
}

/** The shortest text for ascending `numbers`: runs of neighbours as ranges. Empty for none, which is no set. */
export function formatSequenceSet(numbers: Iterable<number>): string {
  const parts: string[] = [];
  let first = 0;
  let last = 0;
  const close = () => {
    if (first > 0) parts.push(first === last ? `${first}` : `${first}:${last}`);
  };
  for (const number of numbers) {
    if (first === 0 || number !== last + 1) {
      close();
      first = number;
    }
    last = number;
  }
  close();
  return parts.join(',');
}

/** Ascending, with those that overlap or touch made one. */
function mergeRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const merged: NumberRange[] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = merged[merged.length - 1];
    if (before !== undefined && first <= before[1] + 1)
      merged[merged.length - 1] = [before[0], Math.max(before[1], last)];
    else merged.push([first, last]);
  }
  return merged;
}

/** nz-number = digit-nz *DIGIT, not above 2^32-1; "*" is STAR. */
function setNumber(text: string | undefined): number | undefined {
  if (text === '*') return STAR;
  const number = Number(text);
  return number > NUMBER_MAX ? undefined : number;
}

const STAR = Number.POSITIVE_INFINITY;
const NUMBER_MAX = 0xffff_ffff;
const PART = /^(\*|[1-9][0-9]{0,9})(?::(\*|[1-9][0-9]{0,9}))?$/;
