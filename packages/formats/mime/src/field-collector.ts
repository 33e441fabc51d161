// Gathers the header fields of one part that its description is made of, while the header is read line by line. Of
// fields of one name the first counts: a second From must not show another sender than the first program saw.

import { trimBlanks } from './blanks.ts';
import { FIELD_MAX } from './limits.ts';

/** The names of MIME's fields, which any part may have. */
export const CONTENT_FIELDS = [
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'content-md5',
  'content-disposition',
  'content-language',
  'content-location',
] as const;

/** Those of a message. */
export const MESSAGE_FIELDS = [
  'date',
  'subject',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'in-reply-to',
  'message-id',
  'references',
] as const;

export type FieldName = (typeof CONTENT_FIELDS)[number] | (typeof MESSAGE_FIELDS)[number];

/** Bodies of fields: unfolded, trimmed, NULs as 0x80, because no IMAP string may hold one. */
export type Fields = ReadonlyMap<FieldName, string>;

/** How many bytes a whole message may still have kept: shared by its parts. */
export interface Budget {
  left: number;
}

export class FieldCollector {
  readonly #wanted: ReadonlySet<string>;
  readonly #budget: Budget;
  readonly #pieces = new Map<FieldName, string[]>();
  /** The pieces of the field being read, and how much more of it may be kept; undefined when it is not wanted. */
  #current: string[] | undefined;
  #room = 0;

  constructor(wanted: ReadonlySet<string>, budget: Budget) {
    this.#wanted = wanted;
    this.#budget = budget;
  }

  /** A line of the header, or its first bytes: at least NAME_MAX of them unless the line is shorter. */
  line(bytes: Buffer, from: number, to: number): void {
    const first = bytes[from];
    if (first === SPACE || first === TAB) {
      this.more(bytes, from, to);
      return;
    }
    this.#current = undefined;
    const colon = colonOf(bytes, from, Math.min(to, from + NAME_MAX));
    if (colon < 0) return;
    // No other letter than A to Z becomes one of a name that is looked for.
    const name = bytes.toString('latin1', from, colon).trimEnd().toLowerCase();
    if (!this.#wanted.has(name) || this.#pieces.has(name as FieldName)) return;
    this.#current = [];
    this.#room = Math.min(FIELD_MAX, this.#budget.left);
    this.#pieces.set(name as FieldName, this.#current);
    this.more(bytes, colon + 1, to);
  }

  /** The next bytes of the same field. */
  more(bytes: Buffer, from: number, to: number): void {
    if (this.#current === undefined) return;
    const end = Math.min(to, from + this.#room);
    if (end <= from) return;
    this.#current.push(bytes.toString('latin1', from, end));
    this.#room -= end - from;
    this.#budget.left -= end - from;
  }

  /** What was gathered. */
  fields(): Fields {
    const fields = new Map<FieldName, string>();
    for (const [name, pieces] of this.#pieces) fields.set(name, unfolded(pieces.join('')));
    return fields;
  }
}

/** Without line ends: each stands before a blank that goes on the field, or at its end. */
function unfolded(text: string): string {
  return trimBlanks(text.replace(/\r?\n/g, '').replace(/\0/g, '\x80'));
}

function colonOf(bytes: Buffer, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === COLON) return i;
  return -1;
}

/** No name that is looked for is longer, with some blanks before the colon. */
const NAME_MAX = 40;
const TAB = 9;
const SPACE = 32;
const COLON = 58;
