// Which of the messages that were found a command speaks of (RFC 4731, section 3.1; RFC 5182, section 2.4; RFC 5267, section 3.1;
// RFC 9394, section 3.2).

import type { ResultRange, ReturnOptions } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';

/** What was found, in the order asked for: by number, or sorted. */
export type Found = readonly FolderMessage[];

/** The messages at these places; -1 is the last. Places beyond the result are left out. */
export function atPlaces(found: Found, { first, last }: ResultRange): Found {
  if (first > 0) return found.slice(first - 1, last);
  const end = found.length + first + 1;
  return end <= 0 ? [] : found.slice(Math.max(found.length + last, 0), end);
}

/**
 * The messages that the options return: "$" is set to them, and MODSEQ is the highest of theirs. All with ALL or COUNT, or when
 * nothing but SAVE was asked for; otherwise those of MIN, MAX and PARTIAL together.
 */
export function returned(found: Found, { what, partial }: ReturnOptions): Found {
  const isPart = what.includes('MIN') || what.includes('MAX') || partial !== undefined;
  if (!isPart || what.includes('ALL') || what.includes('COUNT')) return found;
  const some = new Set<FolderMessage>();
  const [first] = found;
  const last = found[found.length - 1];
  if (what.includes('MIN') && first !== undefined) some.add(first);
  if (what.includes('MAX') && last !== undefined) some.add(last);
  if (partial !== undefined) for (const message of atPlaces(found, partial)) some.add(message);
  return [...some];
}

/** 0 for none. */
export function highestModseq(messages: Iterable<FolderMessage>): number {
  let highest = 0;
  for (const { modseq } of messages) if (modseq > highest) highest = modseq;
  return highest;
}
