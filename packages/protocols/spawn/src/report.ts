// What a spawner writes back to qmail-send: first one byte, the number of slots it has; then, in any order,
// one report for each command.
//
//   stream = limit *report
//   limit  = OCTET                   ; slots 0..limit-1 may be used
//   report = slot result text NUL
//   result = "K" / "Z" / "D"         ; delivered / try again / never
//
// Slot 0 is a NUL byte too: a report ends at the first NUL that is not its first byte.
// Example: <03> Ddid not like you. (#5.0.0) LF <00>

import { REPORT_MAX, SPAWN_LIMIT } from './limits.ts';

/** What a spawner says before anything else. */
export function encodeSpawnLimit(limit: number = SPAWN_LIMIT): Buffer {
  if (!Number.isInteger(limit) || limit < 0 || limit > 255)
    throw new RangeError('limit is not a byte');
  return Buffer.of(limit);
}

/**
 * The bytes of one report. `text` is latin1, begins with its result letter, ends at its first NUL and is
 * cut to what qmail-send would keep of it. A character that is no byte becomes "?": a report must not get
 * lost, and must not end early, because of one.
 */
export function encodeReport(slot: number, text: string): Buffer {
  if (!Number.isInteger(slot) || slot < 0 || slot > 255) throw new RangeError('slot is not a byte');
  const nul = text.indexOf('\0');
  const kept = text.slice(0, Math.min(nul < 0 ? text.length : nul, REPORT_MAX - 1));
  return Buffer.from(
    `${String.fromCharCode(slot)}${kept.replace(/[^\x00-\xff]/g, '?')}\0`,
    'latin1',
  );
}

/** One report as it came: `text` may be empty or begin with any letter. */
export interface Report {
  readonly slot: number;
  readonly text: string;
}

/** Reads reports from chunks that may be cut anywhere; holds at most REPORT_MAX bytes. */
export class ReportDecoder {
  #slot: number | undefined;
  #parts: string[] = [];
  #held = 0;

  push(chunk: Buffer, onReport: (report: Report) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#slot === undefined) {
        this.#slot = chunk[at++] as number;
        this.#held = 1;
        continue;
      }
      const nul = chunk.indexOf(0, at);
      this.#hold(chunk, at, nul < 0 ? chunk.length : nul);
      if (nul < 0) return;
      at = nul + 1;
      const report = { slot: this.#slot, text: this.#parts.join('') };
      this.#slot = undefined;
      this.#parts = [];
      onReport(report);
    }
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const piece = chunk.toString('latin1', from, Math.min(to, from + REPORT_MAX - this.#held));
    if (piece.length === 0) return;
    this.#parts.push(piece);
    this.#held += piece.length;
  }
}
