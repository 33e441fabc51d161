// What the Content-* fields of a part say (RFC 2045, RFC 2183; body fields of RFC 3501, 7.4.2).

import { Cursor } from './cursor.ts';
import type { Fields } from './field-collector.ts';
import { LANGUAGES_MAX } from './limits.ts';
import type { Content, Disposition, MediaType } from './message.ts';
import { readParameters } from './parameter.ts';

/** RFC 2045, 5.2: what a part is whose header does not say it, or not so that it can be read. */
export const PLAIN_TEXT: MediaType = {
  type: 'text',
  subtype: 'plain',
  parameters: [['charset', 'us-ascii']],
};

/** RFC 2046, 5.1.5: the same in a multipart/digest. */
const DIGEST_DEFAULT: MediaType = { type: 'message', subtype: 'rfc822', parameters: [] };

/** Describes a part; `inDigest`: it stands in a multipart/digest. */
export function contentOf(fields: Fields, inDigest: boolean): Content {
  const type = fields.get('content-type');
  const missing = type === undefined && inDigest ? DIGEST_DEFAULT : PLAIN_TEXT;
  const media = type === undefined ? missing : (mediaType(type) ?? missing);
  const content: { -readonly [K in keyof Content]: Content[K] } = {
    type: media.type,
    subtype: media.subtype,
    parameters: media.parameters,
    encoding: leadingToken(fields.get('content-transfer-encoding')) || '7bit',
    languages: languagesOf(fields.get('content-language') ?? ''),
  };
  // A property is there only when it has a value: a part of a large message costs no more than it says.
  const disposition = dispositionOf(fields.get('content-disposition'));
  if (disposition !== undefined) content.disposition = disposition;
  for (const [key, name] of TEXT_FIELDS) {
    const text = fields.get(name);
    if (text) content[key] = text;
  }
  return content;
}

const TEXT_FIELDS = [
  ['id', 'content-id'],
  ['description', 'content-description'],
  ['md5', 'content-md5'],
  ['location', 'content-location'],
] as const;

/**
 *   content = type "/" subtype *( ";" parameter )
 *
 * Undefined when there are no two tokens with a slash.
 */
function mediaType(field: string): MediaType | undefined {
  const cursor = new Cursor(field);
  cursor.blanks();
  const type = cursor.run(TOKEN).toLowerCase();
  cursor.blanks();
  if (type === '' || cursor.here !== '/') return undefined;
  cursor.at++;
  cursor.blanks();
  const subtype = cursor.run(TOKEN).toLowerCase();
  if (subtype === '') return undefined;
  cursor.blanks();
  return { type, subtype, parameters: readParameters(cursor) };
}

function dispositionOf(field: string | undefined): Disposition | undefined {
  if (field === undefined) return undefined;
  const cursor = new Cursor(field);
  cursor.blanks();
  const type = cursor.run(TOKEN).toLowerCase();
  if (type === '') return undefined;
  cursor.blanks();
  return { type, parameters: readParameters(cursor) };
}

/** Tags with commas between them (RFC 3282). */
function languagesOf(field: string): string[] {
  const languages: string[] = [];
  const cursor = new Cursor(field);
  while (!cursor.atEnd && languages.length < LANGUAGES_MAX) {
    cursor.blanks();
    const tag = cursor.run(TOKEN);
    if (tag !== '') languages.push(tag);
    else cursor.at++; // the comma, or what should not be there
  }
  return languages;
}

function leadingToken(field: string | undefined): string {
  if (field === undefined) return '';
  const cursor = new Cursor(field);
  cursor.blanks();
  return cursor.run(TOKEN).toLowerCase();
}

/** RFC 2045, 5.1. */
const TOKEN = /[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]*/y;
