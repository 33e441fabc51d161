// The elements of a record: all numbers first, then the text of all its strings in one piece, which is decoded at once.
//
//   packed = number numbers text
//   number = *%x80-FF %x00-7F          ; LEB128: seven bits a byte, lowest first, at most 2^53 - 1; here: octets of numbers
//   text   = *OCTET                    ; latin1; a string is a number of characters
//   maybe  = number [ text ]           ; 0: undefined, otherwise length + 1

import { Permanent } from '@q/fault';

export class Packer {
  #numbers = Buffer.allocUnsafe(256);
  #at = 0;
  readonly #texts: string[] = [];

  number(value: number): void {
    if (this.#at + 8 > this.#numbers.length) {
      this.#numbers = Buffer.concat([this.#numbers], this.#numbers.length * 2);
    }
    this.#at = writeNumber(this.#numbers, this.#at, value);
  }

  string(text: string): void {
    this.number(text.length);
    this.#texts.push(text);
  }

  maybe(text: string | undefined): void {
    this.number(text === undefined ? 0 : text.length + 1);
    if (text !== undefined) this.#texts.push(text);
  }

  /** All of it, behind `room` bytes for the caller to fill. */
  packed(room: number): Buffer {
    const text = this.#texts.join('');
    const head = Buffer.allocUnsafe(8);
    const headSize = writeNumber(head, 0, this.#at);
    const out = Buffer.allocUnsafe(room + headSize + this.#at + text.length);
    head.copy(out, room, 0, headSize);
    this.#numbers.copy(out, room + headSize, 0, this.#at);
    out.write(text, room + headSize + this.#at, 'latin1');
    return out;
  }
}

/** Reads what a Packer wrote. Everything else throws Permanent. */
export class Unpacker {
  readonly #bytes: Buffer;
  readonly #numbersEnd: number;
  readonly #text: string;
  #at: number;
  #textAt = 0;

  /** The record from `start` to the end of `bytes`. */
  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#numbersEnd = bytes.length;
    const size = this.number();
    this.#numbersEnd = this.#at + size;
    if (this.#numbersEnd > bytes.length) throw damagedRecord();
    this.#text = bytes.toString('latin1', this.#numbersEnd);
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      if (this.#at >= this.#numbersEnd) throw damagedRecord();
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw damagedRecord();
  }

  string(): string {
    return this.#take(this.number());
  }

  maybe(): string | undefined {
    const length = this.number();
    return length === 0 ? undefined : this.#take(length - 1);
  }

  #take(length: number): string {
    const end = this.#textAt + length;
    if (end > this.#text.length) throw damagedRecord();
    const text = this.#text.substring(this.#textAt, end);
    this.#textAt = end;
    return text;
  }
}

function writeNumber(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest > 127) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

export function damagedRecord(): Permanent {
  return new Permanent('cache record is damaged');
}
