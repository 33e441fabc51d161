// Cuts a byte stream at its line ends without holding long lines: a line comes in pieces, and the first
// piece has enough of it to see what kind of line it is.

import { LINE_KEPT } from './limits.ts';

export interface Piece {
  /** With the LF if the line ends here. A view into the chunk where possible: valid until the next push. */
  readonly bytes: Buffer;
  /** The line begins here: LINE_KEPT bytes at least, or all of it. */
  readonly first: boolean;
  readonly last: boolean;
}

export class LinePieces {
  /** The start of a line that is too short to give yet. */
  #held = Buffer.alloc(0);
  #atLineStart = true;

  push(chunk: Buffer): Piece[] {
    const data = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = Buffer.alloc(0);
    const pieces: Piece[] = [];
    let at = 0;
    while (at < data.length) {
      const lf = data.indexOf(LF, at);
      const last = lf >= 0;
      const end = last ? lf + 1 : data.length;
      if (!last && this.#atLineStart && end - at < LINE_KEPT) {
        this.#held = Buffer.from(data.subarray(at));
        break;
      }
      pieces.push({ bytes: data.subarray(at, end), first: this.#atLineStart, last });
      this.#atLineStart = last;
      at = end;
    }
    return pieces;
  }

  /** The last line, if it has no LF. */
  finish(): Piece[] {
    const bytes = this.#held;
    this.#held = Buffer.alloc(0);
    return bytes.length > 0 ? [{ bytes, first: true, last: true }] : [];
  }
}

const LF = 10;
