// The bytes that were read and not yet taken. A chunk is adopted, not copied, while it stands alone;
// chunks that must be joined go into a buffer that doubles, so that a line that arrives byte by byte
// costs linear time.

const LF = 10;
const EMPTY = Buffer.alloc(0);
const SMALLEST = 512;

export class Held {
  #bytes: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** Where the search for LF goes on: everything between start and here was searched. */
  #searched = 0;
  /** True when #bytes is our own storage and may be appended to. */
  #own = false;

  get length(): number {
    return this.#end - this.#start;
  }

  push(chunk: Buffer): void {
    if (this.length === 0) {
      this.#adopt(chunk);
      return;
    }
    this.#makeRoom(chunk.length);
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  /** Puts bytes in front of what is held. */
  unread(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#adopt(this.length === 0 ? bytes : Buffer.concat([bytes, this.#view(this.length)]));
  }

  /** The distance to the next LF, or -1. Bytes once searched are not searched again. */
  lineEnd(): number {
    const at = this.#bytes
      .subarray(0, this.#end)
      .indexOf(LF, Math.max(this.#searched, this.#start));
    this.#searched = at < 0 ? this.#end : at;
    return at < 0 ? -1 : at - this.#start;
  }

  /** The first `count` bytes as a view that stays valid: held storage is never written twice. */
  take(count: number): Buffer {
    const view = this.#view(count);
    this.drop(count);
    return view;
  }

  drop(count: number): void {
    this.#start += count;
    if (this.#start === this.#end) this.#adopt(EMPTY);
  }

  /** The byte at a distance from the front. */
  at(distance: number): number | undefined {
    return this.#bytes[this.#start + distance];
  }

  #view(count: number): Buffer {
    return this.#bytes.subarray(this.#start, this.#start + count);
  }

  #adopt(chunk: Buffer): void {
    this.#bytes = chunk;
    this.#start = 0;
    this.#end = chunk.length;
    this.#searched = 0;
    this.#own = false;
  }

  #makeRoom(count: number): void {
    if (this.#own && this.#end + count <= this.#bytes.length) return;
    const held = this.length;
    const bigger = Buffer.allocUnsafe(Math.max(SMALLEST, 2 * (held + count)));
    this.#view(held).copy(bigger);
    this.#searched = Math.max(0, this.#searched - this.#start);
    this.#bytes = bigger;
    this.#start = 0;
    this.#end = held;
    this.#own = true;
  }
}
