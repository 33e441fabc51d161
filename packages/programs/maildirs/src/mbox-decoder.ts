// A message as it was before it went into an mbox: without the quoting of "From " lines, and without the
// header fields that only the mbox needed (Status, X-Status).

import { LinePieces, type Piece } from './line-pieces.ts';

/** 'mboxrd': one ">" goes from each line ">*From ". 'mboxo': only from ">From ", as older writers quoted. */
export type Quoting = 'mboxrd' | 'mboxo';

export class MboxDecoder {
  readonly #quoted: RegExp;
  readonly #lines = new LinePieces();
  #inHeader = true;
  /** This line is not for the message, or, in a header, goes on with one that was not. */
  #dropping = false;

  constructor(quoting: Quoting) {
    this.#quoted = quoting === 'mboxrd' ? /^>+From / : /^>From /;
  }

  /** The decoded bytes for `chunk`. */
  push(chunk: Buffer): Buffer {
    return this.#decoded(this.#lines.push(chunk));
  }

  finish(): Buffer {
    return this.#decoded(this.#lines.finish());
  }

  #decoded(pieces: readonly Piece[]): Buffer {
    return Buffer.concat(pieces.map((piece) => this.#piece(piece)));
  }

  #piece({ bytes, first }: Piece): Buffer {
    if (!first) return this.#dropping ? NOTHING : bytes;
    if (this.#inHeader) this.#look(bytes);
    if (this.#dropping) return NOTHING;
    return bytes[0] === QUOTE && this.#quoted.test(bytes.toString('latin1', 0, QUOTES_MAX))
      ? bytes.subarray(1)
      : bytes;
  }

  /** At a line of the header: is it one of the fields that go, or does it go on with one? */
  #look(line: Buffer): void {
    if (line[0] === LF) {
      this.#inHeader = false;
      this.#dropping = false;
    } else if (line[0] !== SPACE && line[0] !== TAB) {
      this.#dropping = /^(?:x-)?status[ \t]*:/i.test(line.toString('latin1', 0, 64));
    }
  }
}

/** More than so many ">" before a "From " are no quoting of ours; looking at all of them could take all day. */
const QUOTES_MAX = 4096;
const NOTHING = Buffer.alloc(0);
const TAB = 9;
const LF = 10;
const SPACE = 32;
const QUOTE = 62;
