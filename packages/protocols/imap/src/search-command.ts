// SEARCH, SORT and THREAD (RFC 9051, section 6.4.4; RFC 4731; RFC 5182; RFC 5256; RFC 5267; RFC 9394).

import { asciiLower } from '@q/bytes';
import { bad } from './command-error.ts';
import type { CommandCursor } from './cursor.ts';
import { type SearchKey, searchKeys } from './search-key.ts';

/** Places in a result from 1, or from the end: -1 is the last. Both have one sign. */
export interface ResultRange {
  readonly first: number;
  readonly last: number;
}

/** RETURN (…). An empty list is ["ALL"]. */
export interface ReturnOptions {
  readonly what: readonly ('MIN' | 'MAX' | 'ALL' | 'COUNT' | 'SAVE' | 'UPDATE' | 'CONTEXT')[];
  readonly partial: ResultRange | undefined;
}

export interface SearchArguments {
  /** Undefined without RETURN: the answer is the old untagged SEARCH or SORT. */
  readonly options: ReturnOptions | undefined;
  /** As given, lower case; undefined where none was named. */
  readonly charset: string | undefined;
  readonly key: SearchKey;
}

export interface SortCriterion {
  readonly by: (typeof CRITERIA)[number];
  readonly reverse: boolean;
}

const CRITERIA = [
  'ARRIVAL',
  'CC',
  'DATE',
  'FROM',
  'SIZE',
  'SUBJECT',
  'TO',
  'DISPLAYFROM',
  'DISPLAYTO',
] as const;

/** search = "SEARCH" [search-return-opts] SP ["CHARSET" SP charset SP] search-keys */
export function searchArguments(cursor: CommandCursor): SearchArguments {
  cursor.space();
  const options = returnOptions(cursor);
  let charset: string | undefined;
  if (cursor.tryWord('CHARSET')) {
    cursor.space();
    charset = charsetName(cursor);
  }
  return { options, charset, key: searchKeys(cursor) };
}

/** sort = "SORT" [SP "RETURN" …] SP "(" sort-criterion *(SP sort-criterion) ")" SP charset SP search-keys */
export function sortArguments(
  cursor: CommandCursor,
): SearchArguments & { readonly criteria: readonly SortCriterion[] } {
  cursor.space();
  const options = returnOptions(cursor);
  const criteria = cursor.list(() => {
    const reverse = cursor.tryWord('REVERSE');
    if (reverse) cursor.space();
    return { by: cursor.word(CRITERIA, 'Unknown sort criterion'), reverse };
  }, 1);
  cursor.space();
  const charset = charsetName(cursor);
  return { options, criteria, charset, key: searchKeys(cursor) };
}

/** thread = "THREAD" SP thread-alg SP charset SP search-keys */
export function threadArguments(cursor: CommandCursor): {
  readonly algorithm: 'ORDEREDSUBJECT' | 'REFERENCES' | 'REFS';
  readonly charset: string;
  readonly key: SearchKey;
} {
  cursor.space();
  const algorithm = cursor.word(
    ['ORDEREDSUBJECT', 'REFERENCES', 'REFS'],
    'Unknown threading algorithm',
  );
  cursor.space();
  return { algorithm, charset: charsetName(cursor), key: searchKeys(cursor) };
}

/** charset = atom / quoted; consumes the space after it. */
function charsetName(cursor: CommandCursor): string {
  const charset = asciiLower(cursor.astring());
  cursor.space();
  return charset;
}

/** search-return-opts = "RETURN" SP "(" [option *(SP option)] ")"; consumes the space after it. */
function returnOptions(cursor: CommandCursor): ReturnOptions | undefined {
  if (!cursor.tryWord('RETURN')) return undefined;
  cursor.space();
  let partial: ResultRange | undefined;
  const given = cursor.list(() => {
    if (!cursor.tryWord('PARTIAL')) return cursor.word(RETURNS, 'Unknown RETURN option');
    cursor.space();
    if (partial !== undefined) bad('PARTIAL can be given once');
    partial = resultRange(cursor);
    return undefined;
  });
  cursor.space();
  const what = [...new Set(given.filter((one) => one !== undefined))];
  // RFC 9394, section 3.1: one of either, or none.
  if (partial !== undefined && what.includes('ALL')) bad('PARTIAL and ALL exclude each other');
  return { what: given.length === 0 ? ['ALL'] : what, partial };
}

const RETURNS = ['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'UPDATE', 'CONTEXT'] as const;

/** partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number; the order does not matter. */
export function resultRange(cursor: CommandCursor): ResultRange {
  const sign = cursor.tryText('-') ? -1 : 1;
  const a = cursor.nzNumber();
  cursor.text(sign < 0 ? ':-' : ':', 'Invalid range');
  const b = cursor.nzNumber();
  return { first: sign * Math.min(a, b), last: sign * Math.max(a, b) };
}
