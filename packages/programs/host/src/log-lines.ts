// A log's bytes cut into pieces for syslog: splogger(8).
//
//   line "alert: x"              ->  ALERT    SECONDS.MICROSECONDS alert: x
//   line "warning: x"            ->  WARNING  ...
//   any other line               ->  INFO     ...
//   what is beyond 799 bytes     ->  the same priority, SECONDS.MICROSECONDS+rest, with the line's own stamp
//
// The stamp is the time at which the first piece was cut. What is not printable ASCII becomes "?".

import { PIECE_MAX } from './limits.ts';

/** syslog(3). */
export const PRIORITY = { alert: 1, warning: 4, info: 6 } as const;

export interface Piece {
  readonly priority: number;
  readonly text: string;
}

const LF = 10;
const QUESTION = 63;

/** Takes chunks cut anywhere. Holds at most PIECE_MAX bytes. */
export class LogLines {
  readonly #now: () => number;
  readonly #piece = Buffer.alloc(PIECE_MAX);
  #used = 0;
  /** Of the line whose first piece is out. */
  #begun: { readonly stamp: string; readonly priority: number } | undefined;

  /** `now` is in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  push(chunk: Uint8Array, give: (piece: Piece) => void): void {
    for (const byte of chunk) {
      if (byte === LF) {
        this.end(give);
      } else {
        if (this.#used === PIECE_MAX) this.#cut(give);
        this.#piece[this.#used++] = byte < 32 || byte > 126 ? QUESTION : byte;
      }
    }
  }

  /** Gives what there is of the line; an empty one is nothing. */
  end(give: (piece: Piece) => void): void {
    if (this.#used > 0) this.#cut(give);
    this.#begun = undefined;
  }

  #cut(give: (piece: Piece) => void): void {
    const text = this.#piece.toString('latin1', 0, this.#used);
    this.#used = 0;
    const mark = this.#begun === undefined ? ' ' : '+';
    this.#begun ??= { stamp: stampOf(this.#now()), priority: priorityOf(text) };
    const { stamp, priority } = this.#begun;
    give({ priority, text: `${stamp}${mark}${text}` });
  }
}

function priorityOf(text: string): number {
  if (text.startsWith('alert:')) return PRIORITY.alert;
  return text.startsWith('warning:') ? PRIORITY.warning : PRIORITY.info;
}

/** SECONDS.MICROSECONDS; the clock we have ticks in milliseconds. */
function stampOf(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const micros = Math.floor((milliseconds - seconds * 1000) * 1000);
  return `${seconds}.${String(micros).padStart(6, '0')}`;
}
