// Sections of a message that is in memory, for which nobody needs its tree of parts: all of it, its header, its text. What most
// clients fetch of most messages, so it is done at once and as text.

import { bytesOf, textOf } from '@q/bytes';
import type { ByteRange, FetchSection } from '@q/imap';
import { FieldFilter } from '@q/mime';

/** It is one of those, so heldSection() gives it. */
export function isHeldSection({ part, text }: FetchSection): boolean {
  return part.length === 0 && text !== 'mime';
}

/** Nothing behind the header is in it. */
export function isHeadSection(section: FetchSection): boolean {
  return isHeldSection(section) && section.text !== 'all' && section.text !== 'text';
}

/** The section as it is sent, latin1. `bytes`: the file, or where only the header is wanted, that. */
export function heldSection(
  bytes: Buffer,
  { text, fields }: FetchSection,
  range: ByteRange | undefined,
): string {
  const isText = text === 'text';
  const start = isText ? headerEnd(bytes) : 0;
  const end = isText || text === 'all' ? bytes.length : headerEnd(bytes);
  let sent = asSent(bytes.toString('latin1', start, end));
  if (text === 'fields' || text === 'fields-not')
    sent = selected(sent, fields, text === 'fields-not');
  return range === undefined ? sent : sent.slice(range.offset, range.offset + range.count);
}

/** Behind the first empty line (RFC 5322, section 2.1); the end of the bytes when there is none. */
export function headerEnd(bytes: Buffer): number {
  for (let at = 0; ; ) {
    if (bytes[at] === LF) return at + 1;
    if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2;
    const lf = bytes.indexOf(LF, at);
    if (lf < 0) return bytes.length;
    at = lf + 1;
  }
}

/** LFs without a CR before them as CRLF, NULs as 0x80: a literal cannot have them (RFC 9051, section 9, CHAR8). */
function asSent(text: string): string {
  const sent = text.includes('\0') ? text.replaceAll('\0', '\x80') : text;
  return sent.includes('\r') ? sent.replace(/(?<!\r)\n/g, '\r\n') : sent.replaceAll('\n', '\r\n');
}

function selected(header: string, fields: readonly string[], not: boolean): string {
  const filter = new FieldFilter(fields, not);
  return textOf(filter.push(bytesOf(header))) + textOf(filter.end());
}

const LF = 10;
const CR = 13;
