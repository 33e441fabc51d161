// Strings of answers: the shortest form that the bytes allow (RFC 9051, section 4.3).

import { bytesOf } from '@q/bytes';

// An answer in the making is latin1 text, one character a byte. Only literals hold CR or LF, so no value can end a
// line of ours.

export interface WireMode {
  /** The client enabled UTF8=ACCEPT or IMAP4rev2: quoted strings may hold UTF-8. */
  readonly utf8: boolean;
}

/** string = quoted / literal. NULs, which neither can hold, are left out. Latin1 in and out. */
export function wireString(text: string, mode: WireMode): string {
  // Nearly all: nothing in them needs a second look.
  if (text.length <= QUOTED_MAX && PLAIN.test(text)) return `"${text}"`;
  const clean = text.includes('\0') ? text.replaceAll('\0', '') : text;
  if (isQuotable(clean, mode)) return `"${clean.replace(/["\\]/g, '\\$&')}"`;
  return `{${clean.length}}\r\n${clean}`;
}

/** nstring = string / "NIL" */
export function wireNstring(text: string | undefined, mode: WireMode): string {
  return text === undefined ? 'NIL' : wireString(text, mode);
}

/** astring: an atom when it can be one and would not be read as NIL. */
export function wireAstring(text: string, mode: WireMode): string {
  return ATOM.test(text) && !/^nil$/i.test(text) ? text : wireString(text, mode);
}

/** Text at the end of a status line: printable ASCII, whatever it was, and never read as a response code. */
export function wireText(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  return printable.startsWith('[') ? ` ${printable}`.replace('[', '(') : printable;
}

/** Longer ones are sent as literals: readers of other programs bound their lines. */
const QUOTED_MAX = 1000;
/** Printable ASCII without the two that are quoted. */
const PLAIN = /^[\x20!\x23-[\]-~]*$/;
const ATOM = /^[!#$&',\-./0-9:;<=>?@A-Z[^_`a-z|}~+]+$/;
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isQuotable(text: string, mode: WireMode): boolean {
  if (text.length > QUOTED_MAX || /[\r\n]/.test(text)) return false;
  if (!/[\x80-\xff]/.test(text)) return true;
  if (!mode.utf8) return false;
  try {
    STRICT.decode(bytesOf(text));
    return true;
  } catch {
    return false;
  }
}
