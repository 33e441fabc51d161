// One header field (RFC 5322, 2.2): a name, a colon and a body, which may go on over lines that begin with a blank.
//
//   field  = name *WSP ":" body LF *( WSP line LF )
//   name   = 1*( %d33-57 / %d59-126 )            ; printable, no blank, no colon
//
// Example: "Subject : one\n two\n" has the name "Subject" and the body " one\n two". Text is latin1.

import { asciiLower } from '@q/bytes';

export interface Field {
  /** As it was written: "Reply-To". */
  readonly name: string;
  /** In lower case, to compare with: "reply-to". */
  readonly key: string;
  /** What follows the colon, line ends between its lines included, without the last one. */
  readonly body: string;
}

/** Cuts a field at its first colon. Undefined when that does not end a field name. */
export function parseField(text: string): Field | undefined {
  const name = NAME.exec(text)?.[1];
  if (name === undefined) return undefined;
  const start = text.indexOf(':') + 1;
  const end = text.endsWith('\n') ? text.length - 1 : text.length;
  return { name, key: asciiLower(name), body: text.slice(start, end) };
}

const NAME = /^([!-9;-~]+)[ \t]*:/;

/** The text without the line ends that folding put before blanks: RFC 5322, 2.2.3. A CR before one goes too. */
export function unfold(text: string): string {
  return text.replace(/\r?\n(?=[ \t])/g, '');
}
