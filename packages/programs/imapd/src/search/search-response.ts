// The untagged answers SEARCH, SORT and ESEARCH (RFC 9051, section 7.3.4; RFC 3501, section 7.2.5; RFC 4731; RFC 5256; RFC 9394).
//
//   esearch-response = "ESEARCH" [SP "(TAG " tag-string ")"] [SP "UID"] *(SP search-return-data)

import { formatSequenceSet, type ReturnOptions, wireString } from '@q/imap';
import type { FolderMessage } from '@q/mailbox';
import { atPlaces, type Found, highestModseq, returned } from './result-selection.ts';

/** How the client knows a message: by number or by UID. */
export type Naming = (message: FolderMessage) => number;

export interface ResponseContext {
  readonly tag: string;
  readonly byUid: boolean;
  readonly naming: Naming;
  /** The search asked for mod-sequences: the highest one is told (RFC 7162, sections 3.1.5 and 3.1.10). */
  readonly tellsModseq: boolean;
}

/** "* SEARCH 2 84 882 (MODSEQ 917162500)", or SORT, without line end. */
export function plainResponse(
  name: 'SEARCH' | 'SORT',
  found: Found,
  { naming, tellsModseq }: ResponseContext,
): string {
  let text = `* ${name}`;
  for (const message of found) text += ` ${naming(message)}`;
  if (tellsModseq && found.length > 0) text += ` (MODSEQ ${highestModseq(found)})`;
  return text;
}

/** Undefined when only SAVE was asked for: nothing is answered then. Without line end. */
export function extendedResponse(
  found: Found,
  options: ReturnOptions,
  context: ResponseContext,
): string | undefined {
  const { what, partial } = options;
  if (partial === undefined && what.length === 1 && what[0] === 'SAVE') return undefined;
  const { naming, tellsModseq } = context;
  const words = [correlator(context)];
  const [first] = found;
  const last = found[found.length - 1];
  if (what.includes('MIN') && first !== undefined) words.push(`MIN ${naming(first)}`);
  if (what.includes('MAX') && last !== undefined) words.push(`MAX ${naming(last)}`);
  if (what.includes('COUNT')) words.push(`COUNT ${found.length}`);
  if (what.includes('ALL') && found.length > 0) words.push(`ALL ${setText(found, naming)}`);
  if (partial !== undefined) {
    const set = setText(atPlaces(found, partial), naming);
    words.push(`PARTIAL (${partial.first}:${partial.last} ${set || 'NIL'})`);
  }
  const spokenOf = returned(found, options);
  if (tellsModseq && spokenOf.length > 0) words.push(`MODSEQ ${highestModseq(spokenOf)}`);
  return words.join(' ');
}

/** `* ESEARCH (TAG "a1") UID` */
export function correlator({ tag, byUid }: Pick<ResponseContext, 'tag' | 'byUid'>): string {
  return `* ESEARCH (TAG ${wireString(tag, { utf8: false })})${byUid ? ' UID' : ''}`;
}

/** Empty for none. Sorted results keep their order; ranges in it always ascend (RFC 5267, section 3.2). */
export function setText(messages: Iterable<FolderMessage>, naming: Naming): string {
  const numbers: number[] = [];
  for (const message of messages) numbers.push(naming(message));
  return formatSequenceSet(numbers);
}
