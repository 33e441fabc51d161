// The addresses of a header field as ENVELOPE has them (RFC 3501, 7.4.2; RFC 5322, 3.4 with the obsolete forms).
//
//   list    = [ item ] *( "," [ item ] )
//   item    = words / [ words ] "<" [ route ":" ] words ">" / words ":" list ";"
//
// Example: `A Group:Ed Jones <c@a.test>,joe@where.test;` is the group's beginning, two mailboxes, its end.
// Everything is read as something. A name may have commas only in quotes, but anything else is put up with: `a@b <c@d>`
// has the name "a@b". A comment stands for a name that is missing: `joe@x (Joe)`.

import { Cursor } from './cursor.ts';
import { ADDRESSES_MAX } from './limits.ts';
import type { Address } from './message.ts';

/** The field's addresses, no more than ADDRESSES_MAX; undefined when there is none. */
export function parseAddresses(field: string): Address[] | undefined {
  const reader = new AddressReader(field);
  const addresses = reader.read();
  return addresses.length === 0 ? undefined : addresses;
}

/** Words, as one text: with a blank wherever there were blanks, and without, as an address is written. */
class Words {
  readonly #spaced: string[] = [];
  readonly #joined: string[] = [];
  /** Characters of `joined` that stood outside quotes: only there an "@" divides. */
  at = -1;
  #length = 0;
  #afterWord = false;

  get isEmpty(): boolean {
    return this.#spaced.length === 0;
  }

  get name(): string | undefined {
    return this.#spaced.join('') || undefined;
  }

  add(word: string, afterBlank: boolean, kind: 'word' | 'special'): void {
    this.#spaced.push(afterBlank && !this.isEmpty ? ` ${word}` : word);
    // Blanks around "." and "@" mean nothing; two words that only blanks divide must not become another one.
    const piece = afterBlank && kind === 'word' && this.#afterWord ? ` ${word}` : word;
    if (kind === 'special' && word === '@') this.at = this.#length;
    this.#joined.push(piece);
    this.#length += piece.length;
    this.#afterWord = kind === 'word';
  }

  /** Local part and domain, divided at the last "@". */
  address(): { mailbox: string; host: string } {
    const text = this.#joined.join('');
    if (this.at < 0) return { mailbox: text, host: '' };
    return { mailbox: text.slice(0, this.at), host: text.slice(this.at + 1) };
  }

  /** `@a,@b`: what RFC 822 let stand before an address, with a colon behind it. */
  get isRoute(): boolean {
    return this.#joined[0] === '@';
  }

  get route(): string {
    return this.#joined.join('');
  }
}

class AddressReader {
  readonly #cursor: Cursor;
  readonly #found: Address[] = [];
  #words = new Words();
  #inGroup = false;

  constructor(field: string) {
    this.#cursor = new Cursor(field);
  }

  read(): Address[] {
    const cursor = this.#cursor;
    while (this.#found.length < ADDRESSES_MAX) {
      const afterBlank = cursor.blanks();
      if (cursor.atEnd) break;
      this.#item(cursor.here, afterBlank);
    }
    this.#endItem();
    if (this.#inGroup) this.#found.push(GROUP_END);
    return this.#found;
  }

  #item(char: string, afterBlank: boolean): void {
    const cursor = this.#cursor;
    switch (char) {
      case ',':
        cursor.at++;
        this.#endItem();
        return;
      case ':': // all before it is the name of a group; inside one there is none
        cursor.at++;
        if (this.#inGroup) this.#words.add(':', afterBlank, 'special');
        else this.#beginGroup();
        return;
      case ';':
        cursor.at++;
        this.#endItem();
        if (this.#inGroup) this.#found.push(GROUP_END);
        this.#inGroup = false;
        return;
      case '<':
        this.#angle();
        return;
      default:
        addWord(cursor, this.#words, afterBlank);
    }
  }

  #beginGroup(): void {
    const name = this.#words.name ?? '';
    this.#words = new Words();
    this.#cursor.comment = undefined;
    this.#inGroup = true;
    this.#found.push({ name: undefined, route: undefined, mailbox: name, host: undefined });
  }

  /** `<route:address>`, and what stands before the next comma is passed over but for a comment. */
  #angle(): void {
    const cursor = this.#cursor;
    let words = new Words();
    let route: string | undefined;
    cursor.at++;
    for (;;) {
      const afterBlank = cursor.blanks();
      const char = cursor.here;
      if (char === '' || char === '>') break;
      if (char === ':' && route === undefined && words.isRoute) {
        cursor.at++;
        route = words.route;
        words = new Words();
      } else if (char === '<' || char === ',' || char === ';' || char === ':') {
        cursor.at++;
        words.add(char, afterBlank, 'special');
      } else {
        addWord(cursor, words, afterBlank);
      }
    }
    cursor.at++;
    cursor.blanks();
    this.#found.push({ name: this.#words.name ?? cursor.comment, route, ...words.address() });
    this.#words = new Words();
    cursor.comment = undefined;
    cursor.run(UP_TO_NEXT);
  }

  #endItem(): void {
    const cursor = this.#cursor;
    if (!this.#words.isEmpty) {
      this.#found.push({ name: cursor.comment, route: undefined, ...this.#words.address() });
    }
    this.#words = new Words();
    cursor.comment = undefined;
  }
}

/** Adds the word or special here; always passes something. */
function addWord(cursor: Cursor, words: Words, afterBlank: boolean): void {
  const char = cursor.here;
  if (char === '"') {
    words.add(cursor.quoted(), afterBlank, 'word');
  } else if (char === '[') {
    words.add(cursor.run(LITERAL), afterBlank, 'word');
  } else if (char === '\\') {
    cursor.at++;
    words.add(cursor.here, afterBlank, 'word');
    cursor.at++;
  } else {
    const word = cursor.run(ATOM);
    if (word === '') cursor.at++;
    words.add(word || char, afterBlank, word === '' ? 'special' : 'word');
  }
}

const GROUP_END: Address = {
  name: undefined,
  route: undefined,
  mailbox: undefined,
  host: undefined,
};
const ATOM = /[^ \t\r\n()<>@,;:\\".[\]]+/y;
const LITERAL = /\[[^\]\\]*(?:\\[\s\S][^\]\\]*)*\]?/y;
const UP_TO_NEXT = /[^,;]*/y;
