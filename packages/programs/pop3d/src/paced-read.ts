// Reading messages for many sessions in one process. A file in the page cache is read at once: another thread's help
// costs several times as much as the read. Where the disk must be waited for, all sessions would wait: after reads that
// took long, one right after the other, the next ones are left to other threads.

import { readSync } from 'node:fs';
import { readFd } from '@q/fsx';
import { CAREFUL_READS, SLOW_IN_A_ROW, SLOW_READ } from './limits.ts';

export class PacedReader {
  readonly #now: () => number;
  #slow = 0;
  /** How many reads are still left to other threads. */
  #careful = 0;

  /** `now`: a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** As read(2) into the whole of `buffer`; the number of bytes, 0 at the end. Throws, or rejects with, Node's errors. */
  read(fd: number, buffer: Buffer): number | Promise<number> {
    if (this.#careful > 0) {
      this.#careful--;
      return readFd(fd, buffer, 0, buffer.length, null);
    }
    const start = this.#now();
    const got = readSync(fd, buffer, 0, buffer.length, null);
    this.#slow = this.#now() - start >= SLOW_READ ? this.#slow + 1 : 0;
    if (this.#slow === SLOW_IN_A_ROW) {
      this.#slow = 0;
      this.#careful = CAREFUL_READS;
    }
    return got;
  }
}
