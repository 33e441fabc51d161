// Bytes of a line or literal that arrives in several chunks.

/**
 * Grows by doubling, so memory follows what was received and not what was announced, and each byte is copied a
 * bounded number of times. Slices of the chunks are not kept: a byte of each of many chunks would keep them all alive.
 */
export class HeldBytes {
  #buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, 256));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }

  /** What is held; valid until the next call. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Everything held, followed by `last`, which is given back as it is when nothing else is there. */
  take(last: Buffer): Buffer {
    if (this.#length === 0) return last;
    this.add(last);
    const all = this.view();
    this.clear();
    return all;
  }

  /** Forgets all but the last `count` bytes. */
  keepLast(count: number): void {
    if (this.#length <= count) return;
    this.#buffer.copyWithin(0, this.#length - count, this.#length);
    this.#length = count;
  }

  clear(): void {
    this.#buffer = Buffer.alloc(0);
    this.#length = 0;
  }
}
