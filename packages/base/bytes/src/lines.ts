// Cuts a byte stream into lines that end in LF, with a bound on what an unfinished line may hold.

const LF = 10;

/**
 * Collects chunks and gives complete lines (without the LF). `limit` is the most bytes a line may
 * have; a longer one is given cut to the limit, its rest is passed over, and `overlong` says so.
 */
export class LineSplitter {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #held = 0;
  #cut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Calls `line` for each line completed by `chunk`. The bytes are copies: they may be kept. */
  push(chunk: Uint8Array, line: (bytes: Buffer, overlong: boolean) => void): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) break;
      this.#hold(chunk.subarray(start, end));
      this.#give(line);
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
  }

  /** Gives what stands after the last LF, if anything does. */
  end(line: (bytes: Buffer, overlong: boolean) => void): void {
    if (this.#held > 0) this.#give(line);
  }

  #hold(bytes: Uint8Array): void {
    const room = this.#limit - this.#held;
    if (bytes.length > room) this.#cut = true;
    const kept = bytes.subarray(0, Math.min(room, bytes.length));
    if (kept.length === 0) return;
    this.#parts.push(Buffer.from(kept));
    this.#held += kept.length;
  }

  #give(line: (bytes: Buffer, overlong: boolean) => void): void {
    const bytes = Buffer.concat(this.#parts, this.#held);
    const cut = this.#cut;
    this.#parts = [];
    this.#held = 0;
    this.#cut = false;
    line(bytes, cut);
  }
}
