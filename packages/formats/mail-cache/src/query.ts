// A search of one value in the searched text of messages, see searched-text.ts.

import type { SearchScope } from './model.ts';
import { BREAK, fieldStart, type Part, searchedValue } from './searched-text.ts';

export interface Query {
  /** Where it is looked for; found in one of them is found. */
  readonly parts: readonly Part[];
  /** UTF-8, casemapped. Empty only with a field: the field is there. */
  readonly value: Buffer;
  /** What every hit begins with: the value, or where it is empty the beginning of the field. */
  readonly needle: Buffer;
  /** The field it must stand in begins with this, BREAK included. */
  readonly field: Buffer | undefined;
}

export function queryOf(scope: SearchScope, value: string): Query {
  const comparable = searchedValue(value);
  const field = scope.kind === 'header' ? fieldStart(scope.name) : undefined;
  return {
    parts: scope.kind === 'header' ? ['header'] : scope.kind === 'body' ? ['body'] : PARTS,
    value: comparable,
    needle: comparable.length === 0 && field !== undefined ? field : comparable,
    field,
  };
}

/**
 * Where in `text` from `from` up to `end` the first hit is, -1 without one. A hit lies in the range, whatever it belongs
 * to; with a field, of which name the field begins may lie before `from`.
 */
export function findHit(query: Query, text: Buffer, from: number, end: number): number {
  const { needle, field } = query;
  if (field === undefined || needle === field) return indexIn(text, needle, from, end);
  // The value, which is rarer, leads to the field.
  for (let at = from; ; ) {
    const hit = indexIn(text, needle, at, end);
    if (hit < 0) return -1;
    const start = text.lastIndexOf(BREAK, hit);
    if (start >= 0 && hit >= start + field.length && startsWith(text, field, start)) return hit;
    // Of the name, or of another field: there may be one more in this field, behind its name.
    const isField = start >= 0 && startsWith(text, field, start);
    const next = isField ? start + field.length : text.indexOf(BREAK, hit);
    if (next < 0) return -1;
    at = next;
  }
}

function indexIn(text: Buffer, value: Buffer, from: number, end: number): number {
  const found = text.indexOf(value, from);
  return found < 0 || found + value.length > end ? -1 : found;
}

function startsWith(text: Buffer, start: Buffer, at: number): boolean {
  return text.compare(start, 0, start.length, at, Math.min(text.length, at + start.length)) === 0;
}

const PARTS: readonly Part[] = ['header', 'body'];
