// The message ids of References, In-Reply-To and Message-ID (RFC 5322, 3.6.4), as threading compares them
// (RFC 5256, 2.2): the text between the angle brackets, without quoting, comments and blanks.
//
//   msg-id = "<" id-left "@" id-right ">"

import { Cursor } from './cursor.ts';
import { MESSAGE_ID_MAX, MESSAGE_IDS_MAX } from './limits.ts';

/**
 * The ids of a field, in their order: without brackets, latin1. Of more than MESSAGE_IDS_MAX the first one is given,
 * which names the thread, and the last ones, which say where in it the message stands.
 */
export function messageIds(field: string): string[] {
  if (field.length <= MESSAGE_ID_MAX && PLAIN_ID.test(field)) return [field.slice(1, -1)];
  const ids: string[] = [];
  const cursor = new Cursor(field);
  while (!cursor.atEnd) {
    cursor.run(UP_TO_ID);
    const char = cursor.here;
    if (char === '(') cursor.blanks();
    else if (char === '"') cursor.quoted();
    else if (char === '<') keep(ids, readId(cursor));
  }
  return ids;
}

function keep(ids: string[], id: string | undefined): void {
  if (id === undefined) return;
  ids.push(id);
  if (ids.length > MESSAGE_IDS_MAX) ids.splice(1, 1);
}

/** From a "<" on. Undefined when it is none: no "@", not closed, or too long. */
function readId(cursor: Cursor): string | undefined {
  const words: string[] = [];
  cursor.at++;
  for (;;) {
    cursor.blanks();
    const char = cursor.here;
    if (char === '>') {
      cursor.at++;
      const id = words.join('');
      return id.length <= MESSAGE_ID_MAX && id.includes('@') ? id : undefined;
    }
    // Another "<" begins the next id: the closing bracket was cut off.
    if (char === '' || char === '<') return undefined;
    if (char === '"') words.push(cursor.quoted());
    else words.push(readRun(cursor));
  }
}

function readRun(cursor: Cursor): string {
  const run = cursor.run(ID_RUN);
  if (run !== '') return run;
  // A backslash outside quotes, or a parenthesis that closes nothing.
  const char = cursor.here;
  cursor.at++;
  return char;
}

/** One id in which nothing is quoted, as nearly every Message-ID is. */
const PLAIN_ID = /^<[^ \t\r\n<>"()\\@]*@[^ \t\r\n<>"()\\]*>$/;
const UP_TO_ID = /[^<("]*/y;
const ID_RUN = /[^ \t\r\n<>"()\\]*/y;
