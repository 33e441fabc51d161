// The bytes that BODY[…], RFC822… and BINARY[…] ask for (RFC 9051, section 6.4.5; RFC 3516).

import { type ByteRange, type FetchSection, wireAstring } from '@q/imap';
import {
  type ByteSource,
  crlfRange,
  crlfRangeSize,
  decodedBody,
  FieldFilter,
  type Message,
  type Part,
  partAt,
  type Span,
  sectionSpan,
} from '@q/mime';
import { type Literal, measured } from './literal.ts';

/** A message's file and what is in it. */
export interface ParsedFile {
  readonly source: ByteSource;
  readonly structure: Message;
}

/** Undefined: the message has no such section. */
export async function sectionLiteral(
  file: ParsedFile,
  { part, text, fields }: FetchSection,
  range: ByteRange | undefined,
): Promise<Literal | undefined> {
  const isFields = text === 'fields' || text === 'fields-not';
  const span = sectionSpan(file.structure, part, isFields ? 'header' : text);
  if (span === undefined) return undefined;
  if (!isFields) return spanLiteral(file, span, range);
  return measured(() => selectedFields(file, span, fields, text === 'fields-not'), range);
}

function spanLiteral(
  { source, structure }: ParsedFile,
  span: Span,
  range: ByteRange | undefined,
): Literal {
  const options = { replaceNuls: true, ...(range === undefined ? {} : { partial: range }) };
  return {
    size: crlfRangeSize(span, range),
    hasNul: false,
    pieces: () => crlfRange(source, structure, span, options),
  };
}

async function* selectedFields(
  { source, structure }: ParsedFile,
  header: Span,
  fields: readonly string[],
  not: boolean,
): AsyncGenerator<Buffer> {
  const filter = new FieldFilter(fields, not);
  for await (const piece of crlfRange(source, structure, header, { replaceNuls: true })) {
    const kept = filter.push(piece);
    if (kept.length > 0) yield kept;
  }
  const rest = filter.end();
  if (rest.length > 0) yield rest;
}

/**
 * A part with its transfer encoding undone. What has none (the whole message, multiparts, messages) is given as it is sent.
 * Undefined: no such part; 'unknown': nobody knows its encoding.
 */
export async function binaryLiteral(
  file: ParsedFile,
  path: readonly number[],
  range: ByteRange | undefined,
): Promise<Literal | 'unknown' | undefined> {
  const part = partAt(file.structure, path);
  if (part === undefined) return undefined;
  if (path.length === 0) {
    const whole = sectionSpan(file.structure, path, 'all');
    return whole === undefined ? undefined : spanLiteral(file, whole, range);
  }
  if (part.kind !== 'leaf') return spanLiteral(file, part.body, range);
  if (decodedBody(file.source, file.structure, part) === undefined) return 'unknown';
  return measured(() => decoded(file, part), range);
}

async function* decoded({ source, structure }: ParsedFile, part: Part): AsyncGenerator<Buffer> {
  const pieces = decodedBody(source, structure, part);
  if (pieces !== undefined) yield* pieces;
}

/** "BODY[1.HEADER.FIELDS (From)]<0>": what the answer calls it. */
export function sectionLabel(
  { part, text, fields }: FetchSection,
  range: ByteRange | undefined,
): string {
  const words = [...part.map(String)];
  if (text !== 'all') words.push(TEXTS[text]);
  const names = fields.map((field) => wireAstring(field, { utf8: false })).join(' ');
  return `BODY[${words.join('.')}${fields.length > 0 ? ` (${names})` : ''}]${originLabel(range)}`;
}

/** "<0>" */
export function originLabel(range: ByteRange | undefined): string {
  return range === undefined ? '' : `<${range.offset}>`;
}

const TEXTS = {
  header: 'HEADER',
  text: 'TEXT',
  mime: 'MIME',
  fields: 'HEADER.FIELDS',
  'fields-not': 'HEADER.FIELDS.NOT',
} as const;
