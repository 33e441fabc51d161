// Reading messages for many sessions in one process. A file in the page cache is read at once: another thread's help
// costs several times as much as the read. Where the disk must be waited for, all sessions would wait: after reads that
// took long, one right after the other, the next ones are left to other threads.

import { readSync } from 'node:fs';
import { readFd } from './fd.ts';

/** Milliseconds in which the page cache always answers; a disk seldom does. */
export const SLOW_READ = 1;

/** Slow reads in a row that mean a disk: a single one is a busy processor, too. */
export const SLOW_IN_A_ROW = 2;

/** Reads that other threads do then: on a cold mailbox two in so many make others wait. */
export const CAREFUL_READS = 50;

export class PacedReader {
  readonly #now: () => number;
  #slow = 0;
  /** How many reads are still left to other threads. */
  #careful = 0;

  /** `now`: a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * As read(2) into the whole of `buffer`, or as pread(2) with a `position`; the number of bytes, 0 at the end. Throws, or
   * rejects with, Node's errors.
   */
  read(fd: number, buffer: Buffer, position: number | null = null): number | Promise<number> {
    if (this.#careful > 0) {
      this.#careful--;
      return readFd(fd, buffer, 0, buffer.length, position);
    }
    const start = this.#now();
    const got = readSync(fd, buffer, 0, buffer.length, position);
    this.#slow = this.#now() - start >= SLOW_READ ? this.#slow + 1 : 0;
    if (this.#slow === SLOW_IN_A_ROW) {
      this.#slow = 0;
      this.#careful = CAREFUL_READS;
    }
    return got;
  }
}
