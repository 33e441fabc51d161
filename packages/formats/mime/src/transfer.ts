// Content-Transfer-Encodings undone, piece by piece (RFC 2045, 6). What does not belong is passed over or stays as it is:
// a client that asks for a decoded part gets what can be had.

import { QP_BLANKS_MAX } from './limits.ts';

export interface TransferDecoder {
  /** What the next bytes give. */
  push(bytes: Buffer): Buffer;
  /** What was held back. */
  end(): Buffer;
}

/** The decoder for a Content-Transfer-Encoding in lower case; undefined for one that nobody knows (RFC 3516: UNKNOWN-CTE). */
export function transferDecoder(encoding: string): TransferDecoder | undefined {
  switch (encoding) {
    case 'base64':
      return new Base64Decoder();
    case 'quoted-printable':
      return new QuotedPrintableDecoder();
    case '7bit':
    case '8bit':
    case 'binary':
      return IDENTITY;
    default:
      return undefined;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
const IDENTITY: TransferDecoder = { push: (bytes) => bytes, end: () => EMPTY };

/** Characters outside the alphabet mean nothing; a "=" ends a group of four, and another text may follow it. */
export class Base64Decoder implements TransferDecoder {
  #bits = 0;
  /** Characters of the group so far. */
  #count = 0;

  push(bytes: Buffer): Buffer {
    const out = Buffer.allocUnsafe(Math.ceil((bytes.length * 3) / 4) + 3);
    let at = 0;
    let bits = this.#bits;
    let count = this.#count;
    for (let i = 0; i < bytes.length; i++) {
      const value = BASE64_VALUES[bytes[i] as number] as number;
      if (value < 0) {
        if (value === PADDING) {
          at += tail(out, at, bits, count);
          count = 0;
          bits = 0;
        }
        continue;
      }
      bits = (bits << 6) | value;
      if (++count === 4) {
        out[at] = bits >> 16;
        out[at + 1] = bits >> 8;
        out[at + 2] = bits;
        at += 3;
        count = 0;
        bits = 0;
      }
    }
    this.#bits = bits;
    this.#count = count;
    return out.subarray(0, at);
  }

  end(): Buffer {
    const out = Buffer.allocUnsafe(2);
    const size = tail(out, 0, this.#bits, this.#count);
    this.#bits = 0;
    this.#count = 0;
    return out.subarray(0, size);
  }
}

/** The bytes of an incomplete group: two characters hold one, three hold two. */
function tail(out: Buffer, at: number, bits: number, count: number): number {
  if (count < 2) return 0;
  if (count === 2) {
    out[at] = bits >> 4;
    return 1;
  }
  out[at] = bits >> 10;
  out[at + 1] = bits >> 2;
  return 2;
}

const NOTHING = -1;
const PADDING = -2;
const BASE64_VALUES = new Int8Array(256).fill(NOTHING);
for (const [value, char] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  BASE64_VALUES[char.charCodeAt(0)] = value;
}
BASE64_VALUES['='.charCodeAt(0)] = PADDING;

/**
 * "=XX" is a byte, "=" at the end of a line joins it to the next, blanks at the end of a line are not part of it. Line
 * ends stay what they are, LF or CRLF. A "=" before anything else is itself.
 */
class QuotedPrintableDecoder implements TransferDecoder {
  /** What cannot be decided yet: a "=" and what may belong to it, or blanks that may end the line. */
  #held: Buffer = EMPTY;

  push(bytes: Buffer): Buffer {
    const text = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    return this.#decode(text, false);
  }

  end(): Buffer {
    return this.#decode(this.#held, true);
  }

  #decode(text: Buffer, last: boolean): Buffer {
    const out = Buffer.allocUnsafe(text.length);
    let at = 0;
    let i = 0;
    this.#held = EMPTY;
    while (i < text.length) {
      const byte = text[i] as number;
      if (byte !== EQUALS && byte !== SPACE && byte !== TAB) {
        out[at++] = byte;
        i++;
        continue;
      }
      const step = byte === EQUALS ? readEscape(text, i, last) : readBlanks(text, i, last);
      if (step === undefined) {
        this.#held = Buffer.from(text.subarray(i));
        break;
      }
      if (typeof step.gives === 'number') out[at++] = step.gives;
      else for (let k = i; k < step.gives.until; k++) out[at++] = text[k] as number;
      i = step.next;
    }
    return out.subarray(0, at);
  }
}

interface QpStep {
  readonly next: number;
  /** A decoded byte, or the bytes up to a place as they are. */
  readonly gives: number | { readonly until: number };
}

/** From a "=" on; undefined when what follows is not there yet. */
function readEscape(text: Buffer, at: number, last: boolean): QpStep | undefined {
  const high = HEX[text[at + 1] as number] ?? NOTHING;
  const low = HEX[text[at + 2] as number] ?? NOTHING;
  if (high >= 0 && low >= 0) return { next: at + 3, gives: high * 16 + low };
  if (high >= 0 && at + 2 >= text.length && !last) return undefined;
  const end = endOfBlanks(text, at + 1);
  const lineEnd = lineEndAt(text, end, last);
  if (lineEnd === 'unknown') return undefined;
  if (lineEnd === undefined) return { next: at + 1, gives: { until: at + 1 } };
  return { next: lineEnd, gives: { until: at } };
}

function readBlanks(text: Buffer, at: number, last: boolean): QpStep | undefined {
  const end = endOfBlanks(text, at);
  const lineEnd = lineEndAt(text, end, last);
  if (lineEnd === 'unknown') return undefined;
  return { next: end, gives: { until: lineEnd === undefined ? end : at } };
}

/** No more than QP_BLANKS_MAX of them: what follows so many is not looked at, and they are data. */
function endOfBlanks(text: Buffer, from: number): number {
  let end = from;
  const limit = from + QP_BLANKS_MAX;
  while (end < limit && (text[end] === SPACE || text[end] === TAB)) end++;
  return end;
}

/** Behind the line end that stands here; the text's end is one. Undefined when something else stands here. */
function lineEndAt(text: Buffer, at: number, last: boolean): number | 'unknown' | undefined {
  if (text[at] === LF) return at + 1;
  const isCr = text[at] === CR;
  if (isCr && text[at + 1] === LF) return at + 2;
  if (at + (isCr ? 1 : 0) < text.length) return undefined;
  if (!last) return 'unknown';
  return isCr ? undefined : at;
}

const HEX = new Int8Array(256).fill(NOTHING);
for (const [value, char] of [...'0123456789ABCDEF'].entries()) {
  HEX[char.charCodeAt(0)] = value;
  HEX[char.toLowerCase().charCodeAt(0)] = value;
}
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const EQUALS = 61;
