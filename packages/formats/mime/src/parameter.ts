// The parameters of Content-Type and Content-Disposition (RFC 2045, 5.1; RFC 2231).
//
//   parameters = *( ";" name "=" value )
//   value      = token / quoted-string
//   name       = attribute [ "*" index ] [ "*" ]     ; "*0", "*1"... are pieces of one value, a last "*" says encoded
//
// Example: `; title*0*=us-ascii'en'This%20is; title*1=" it"` is the one parameter title* with the value
// `us-ascii'en'This%20is%20it`. RFC 3501 and 9051 do not say whether BODYSTRUCTURE has pieces or the whole; the whole,
// still encoded, is what Dovecot sends and what clients without RFC 2231's pieces can use.

import { asciiLower } from '@q/bytes';
import type { Cursor } from './cursor.ts';
import { PARAMETERS_MAX } from './limits.ts';
import type { Parameters } from './message.ts';

/**
 * Reads parameters from the cursor to the end of the field. Of two with one name the first counts. A value without
 * quotes may have blanks in it (`name=my file.pdf`), because some programs write that; pieces that do not follow from
 * *0 are dropped.
 */
export function readParameters(cursor: Cursor): Parameters {
  const whole = new Map<string, string>();
  const pieces = new Map<string, Piece[]>();
  for (let count = 0; count < PARAMETERS_MAX; count++) {
    cursor.run(TO_SEMICOLON);
    if (cursor.atEnd) break;
    cursor.at++;
    cursor.blanks();
    const name = asciiLower(cursor.run(NAME));
    cursor.blanks();
    if (name === '' || cursor.here !== '=') continue;
    cursor.at++;
    const value = readValue(cursor);
    const [, base = '', index, star = ''] = SECTION.exec(name) ?? [];
    if (index === undefined) {
      if (!whole.has(name)) whole.set(name, value);
    } else {
      // A place for the joined value, where its first piece stands.
      const list = pieces.get(base) ?? [];
      pieces.set(base, list);
      list[Number(index)] ??= { value, encoded: star !== '' };
    }
  }
  for (const [base, list] of pieces) addJoined(whole, base, list);
  return [...whole];
}

interface Piece {
  readonly value: string;
  readonly encoded: boolean;
}

function addJoined(whole: Map<string, string>, base: string, list: readonly Piece[]): void {
  // Up to the first number that is missing; a list with a hole in it.
  let end = 0;
  while (list[end] !== undefined) end++;
  const run = list.slice(0, end);
  if (run.length === 0) return;
  if (!run.some((piece) => piece.encoded)) {
    if (!whole.has(base)) whole.set(base, run.map((piece) => piece.value).join(''));
    return;
  }
  const values = run.map((piece) => (piece.encoded ? piece.value : percentEncoded(piece.value)));
  // Only the first piece names the charset; where that one is not encoded, there is none.
  const joined = (run[0] as Piece).encoded ? values.join('') : `''${values.join('')}`;
  if (!whole.has(`${base}*`)) whole.set(`${base}*`, joined);
}

function readValue(cursor: Cursor): string {
  const words: string[] = [];
  let blank = false;
  for (;;) {
    blank = cursor.blanks();
    const char = cursor.here;
    if (char === '' || char === ';') return words.join('');
    let word: string;
    if (char === '"') {
      word = cursor.quoted();
    } else {
      word = cursor.run(VALUE_RUN);
      if (word === '') {
        word = char; // a closing parenthesis that closes nothing
        cursor.at++;
      }
    }
    words.push(blank && words.length > 0 ? ` ${word}` : word);
  }
}

function percentEncoded(text: string): string {
  return text.replace(
    NO_ATTRIBUTE_CHAR,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

const TO_SEMICOLON = /[^;]*/y;
const NAME = /[^\s;=()"]*/y;
const VALUE_RUN = /[^\s;()"]*/y;
/** Up to 999: RFC 2231 has no bound, no program writes more. */
const SECTION = /^(.+)\*(0|[1-9]\d{0,2})(\*?)$/;
const NO_ATTRIBUTE_CHAR = /[^!#$&+\-.0-9A-Z^_`a-z{|}~]/g;
