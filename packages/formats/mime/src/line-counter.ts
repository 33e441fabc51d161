// Where a reader stands in a message file, in both coordinates: bytes of the file, and bytes as sent with CRLF.

import { CHECKPOINT_STEP } from './limits.ts';
import type { Span } from './message.ts';

/** A place in the file. */
export interface Mark {
  /** Bytes before it. */
  readonly at: number;
  /** LFs before it, and those of them that have no CR before them. */
  readonly lines: number;
  readonly bare: number;
}

export class LineCounter {
  /** For each CHECKPOINT_STEP bytes of the file, their place as sent. */
  readonly checkpoints: number[] = [];
  #at = 0;
  #lines = 0;
  #bare = 0;
  #last = 0;
  #beforeLast = 0;

  get mark(): Mark {
    return { at: this.#at, lines: this.#lines, bare: this.#bare };
  }

  /** At the beginning of a line: the place before the LF or CRLF that ended the line before. */
  get markBeforeLineEnd(): Mark {
    if (this.#last !== LF) return this.mark;
    const hasCr = this.#beforeLast === CR;
    return {
      at: this.#at - (hasCr ? 2 : 1),
      lines: this.#lines - 1,
      bare: this.#bare - (hasCr ? 0 : 1),
    };
  }

  /** Goes on over bytes[from..to). */
  pass(bytes: Uint8Array, from: number, to: number): void {
    for (let start = from; start < to; ) {
      const untilStep = CHECKPOINT_STEP - (this.#at % CHECKPOINT_STEP);
      const end = Math.min(to, start + untilStep);
      this.#count(bytes, start, end);
      start = end;
      if (this.#at % CHECKPOINT_STEP === 0) this.checkpoints.push(this.#at + this.#bare);
    }
  }

  #count(bytes: Uint8Array, from: number, to: number): void {
    let lines = 0;
    let bare = 0;
    if (bytes[from] === LF) {
      lines++;
      if (this.#last !== CR) bare++;
    }
    // The one loop that sees each byte of a message: indexOf would be a call for each line.
    for (let i = from + 1; i < to; i++) {
      if (bytes[i] === LF) {
        lines++;
        if (bytes[i - 1] !== CR) bare++;
      }
    }
    this.#lines += lines;
    this.#bare += bare;
    this.#at += to - from;
    this.#beforeLast = to - from > 1 ? (bytes[to - 2] as number) : this.#last;
    this.#last = bytes[to - 1] as number;
  }
}

export function spanOf(start: Mark, end: Mark): Span {
  return {
    start: start.at,
    end: end.at,
    crlfStart: start.at + start.bare,
    crlfEnd: end.at + end.bare,
    lines: end.lines - start.lines,
  };
}

const LF = 10;
const CR = 13;
