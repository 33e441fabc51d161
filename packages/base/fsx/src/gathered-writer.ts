// Writes to a descriptor through a buffer: what is made in small pieces is written in large ones.

import { writeFully } from './fd.ts';

export class GatheredWriter {
  readonly #fd: number;
  readonly #buffer: Buffer;
  #held = 0;

  /** `size`: the bytes gathered before a write(2). */
  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.#buffer = Buffer.allocUnsafe(size);
  }

  /** When it resolves, `bytes` may be used again. What was not flushed need not be in the file. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#held + bytes.length > this.#buffer.length) await this.flush();
    if (bytes.length > this.#buffer.length) return writeFully(this.#fd, bytes);
    this.#buffer.set(bytes, this.#held);
    this.#held += bytes.length;
  }

  async flush(): Promise<void> {
    const held = this.#buffer.subarray(0, this.#held);
    this.#held = 0;
    await writeFully(this.#fd, held);
  }
}
