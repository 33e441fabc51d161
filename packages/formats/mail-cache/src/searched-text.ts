// The text of a message as SEARCH compares it (RFC 3501, 6.4.4; RFC 5051): decoded, i;unicode-casemap'd, UTF-8. Both the
// index and the search without one are made of this, and of nothing else: so they cannot differ.
//
//   header  = *( BREAK name ":" value )     ; one for each field: unfolded, encoded words decoded
//   body    = *( BREAK text )               ; the headers of the parts inside, and the bodies of type text
//   BREAK   = %xFF                          ; is in no UTF-8 text: what is searched for never lies across one
//
// Example: "Subject: =?utf-8?q?caf=C3=A9?=" is FF "SUBJECT: CAFE" CC 81.

import {
  type ByteSource,
  casemap,
  decodeHeader,
  type Message,
  messageText,
  type TextPiece,
} from '@q/mime';
import { FIELD_MAX } from './limits.ts';

export type Part = 'header' | 'body';

export const BREAK = 0xff;

/** What is looked for, made comparable. */
export function searchedValue(value: string): Buffer {
  return Buffer.from(casemap(value), 'utf8');
}

/** What a field of this name begins with. */
export function fieldStart(name: string): Buffer {
  return Buffer.concat([Buffer.from([BREAK]), searchedValue(`${decodeHeader(name)}:`)]);
}

/** A piece of text, casemapped. */
export interface SearchedPiece {
  readonly text: string;
  /** A BREAK stands before it. */
  readonly begins: boolean;
}

/** The text of one part, in pieces that do not depend on how the file is read. */
export async function* searchedText(
  source: ByteSource,
  message: Message,
  part: Part,
): AsyncGenerator<SearchedPiece, void, undefined> {
  const pieces =
    part === 'header'
      ? headerPieces(source, message)
      : messageText(source, message, { header: false });
  for await (const { text, begins } of pieces) yield { text: casemap(text), begins };
}

/** The text of the header of a message that is in memory, as searchedText() gives it. */
export function* searchedHeader(file: Buffer, message: Message): Generator<SearchedPiece> {
  const fields = new Fields();
  const { start, end } = message.root.header;
  for (const { text, begins } of fields.push(file.toString('latin1', start, end)))
    yield { text: casemap(text), begins };
  for (const { text, begins } of fields.end()) yield { text: casemap(text), begins };
}

async function* headerPieces(
  source: ByteSource,
  message: Message,
): AsyncGenerator<TextPiece, void, undefined> {
  const fields = new Fields();
  const { start, end } = message.root.header;
  for await (const bytes of source(start, end)) yield* fields.push(bytes.toString('latin1'));
  yield* fields.end();
}

/** Divides a header into fields; of one that is longer than FIELD_MAX the rest is given in further pieces. */
class Fields {
  #held = '';
  /** Some of the field that is held was given. */
  #goesOn = false;

  *push(text: string): Generator<TextPiece, void, undefined> {
    this.#held += text;
    let at = 0;
    for (;;) {
      const end = fieldEnd(this.#held, at);
      if (end === undefined) break;
      yield* this.#field(this.#held.slice(at, end));
      at = end;
    }
    this.#held = this.#held.slice(at);
    while (this.#held.length > FIELD_MAX) {
      yield this.#piece(this.#held.slice(0, FIELD_MAX));
      this.#held = this.#held.slice(FIELD_MAX);
    }
  }

  *end(): Generator<TextPiece, void, undefined> {
    yield* this.#field(this.#held);
    this.#held = '';
  }

  *#field(text: string): Generator<TextPiece, void, undefined> {
    let rest = text;
    while (rest.length > FIELD_MAX) {
      yield this.#piece(rest.slice(0, FIELD_MAX));
      rest = rest.slice(FIELD_MAX);
    }
    // The empty line that ends the header is no field.
    if (this.#goesOn || MORE_THAN_LINE_ENDS.test(rest)) yield this.#piece(rest);
    this.#goesOn = false;
  }

  #piece(text: string): TextPiece {
    const unfolded = text.replace(/\r?\n(?=[ \t])/g, '').replace(/\r?\n$/, '');
    const begins = !this.#goesOn;
    this.#goesOn = true;
    const colon = begins ? unfolded.indexOf(':') : -1;
    // Without a colon it is no field, but may be found in TEXT.
    if (colon < 0) return { text: decodeHeader(unfolded), begins };
    const name = unfolded.slice(0, colon).replace(/[ \t]+$/, '');
    return { text: `${decodeHeader(name)}:${decodeHeader(unfolded.slice(colon + 1))}`, begins };
  }
}

/** Behind the first line end from `at` that the character behind it shows to end a field; undefined when there is none. */
function fieldEnd(text: string, at: number): number | undefined {
  for (
    let lf = text.indexOf('\n', at);
    lf >= 0 && lf + 1 < text.length;
    lf = text.indexOf('\n', lf + 1)
  ) {
    const next = text[lf + 1];
    if (next !== ' ' && next !== '\t') return lf + 1;
  }
  return undefined;
}

const MORE_THAN_LINE_ENDS = /[^\r\n]/;
