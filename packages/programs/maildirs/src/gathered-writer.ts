// Writes to a descriptor through a buffer: a mailbox of small messages is written in large pieces.

import { writeFully } from '@q/fsx';
import { WRITE_SIZE } from './limits.ts';

export class GatheredWriter {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(WRITE_SIZE);
  #used = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** When it resolves, `bytes` may be used again. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#used + bytes.length > WRITE_SIZE) await this.flush();
    if (bytes.length > WRITE_SIZE) return writeFully(this.#fd, bytes);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  async flush(): Promise<void> {
    await writeFully(this.#fd, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}
