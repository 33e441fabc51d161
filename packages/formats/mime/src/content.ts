// What the Content-* fields of a part say (RFC 2045, RFC 2183; body fields of RFC 3501, 7.4.2).

import { asciiLower } from '@q/bytes';
import { Cursor } from './cursor.ts';
import type { FieldName, Fields } from './field-collector.ts';
import { LANGUAGES_MAX } from './limits.ts';
import type { Disposition, Parameters } from './message.ts';
import { readParameters } from './parameter.ts';

interface MediaType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: Parameters;
}

/** The part of a Part that its own header decides. */
export interface Content extends MediaType {
  readonly id?: string;
  readonly description?: string;
  readonly encoding: string;
  readonly md5?: string;
  readonly disposition?: Disposition;
  readonly languages: readonly string[];
  readonly location?: string;
}

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
  return {
    ...(type === undefined ? missing : (mediaType(type) ?? missing)),
    encoding: leadingToken(fields.get('content-transfer-encoding') ?? '') || '7bit',
    languages: languagesOf(fields.get('content-language') ?? ''),
    ...given('disposition', dispositionOf(fields.get('content-disposition'))),
    ...textField(fields, 'id', 'content-id'),
    ...textField(fields, 'description', 'content-description'),
    ...textField(fields, 'md5', 'content-md5'),
    ...textField(fields, 'location', 'content-location'),
  };
}

/**
 *   content = type "/" subtype *( ";" parameter )
 *
 * Undefined when there are no two tokens with a slash.
 */
function mediaType(field: string): MediaType | undefined {
  const cursor = new Cursor(field);
  cursor.blanks();
  const type = asciiLower(cursor.run(TOKEN));
  cursor.blanks();
  if (type === '' || cursor.here !== '/') return undefined;
  cursor.at++;
  cursor.blanks();
  const subtype = asciiLower(cursor.run(TOKEN));
  if (subtype === '') return undefined;
  cursor.blanks();
  return { type, subtype, parameters: readParameters(cursor) };
}

function dispositionOf(field: string | undefined): Disposition | undefined {
  if (field === undefined) return undefined;
  const cursor = new Cursor(field);
  cursor.blanks();
  const type = asciiLower(cursor.run(TOKEN));
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

function leadingToken(field: string): string {
  const cursor = new Cursor(field);
  cursor.blanks();
  return asciiLower(cursor.run(TOKEN));
}

function textField<K extends string>(fields: Fields, key: K, name: FieldName) {
  return given(key, fields.get(name) || undefined);
}

/** An object with the property, or without when there is no value: exactOptionalPropertyTypes wants it absent. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** RFC 2045, 5.1. */
const TOKEN = /[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]*/y;
