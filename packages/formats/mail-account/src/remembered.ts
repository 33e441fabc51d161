// What was read from a file or directory and need not be read again while its times say that it is the same.

import { statSync } from 'node:fs';
import { faultOf } from '@q/fault';
import { stampOf } from '@q/fsx';
import { CLOCK_GRAIN } from './limits.ts';

interface Reading<Value> {
  readonly stamp: string;
  readonly value: Value;
}

/** The last reading of one path; given back when memory is short: there is one for each of perhaps 1,000 idle sessions. */
export class Remembered<Value> {
  readonly path: string;
  readonly #read: (path: string) => Value;
  readonly #now: () => number;
  #reading: WeakRef<Reading<Value>> | undefined;

  constructor(path: string, read: (path: string) => Value, now: () => number = Date.now) {
    this.path = path;
    this.#read = read;
    this.#now = now;
  }

  /** Throws what reading throws, or a fault when the path leads nowhere. */
  get(): Value {
    const before = this.#look();
    const known = this.#reading?.deref();
    if (known !== undefined && known.stamp === before.stamp) return known.value;
    const value = this.#read(this.path);
    // What changes while the clock of the file system stands still cannot be seen later.
    const isSettled = this.#now() - before.time > CLOCK_GRAIN;
    this.#reading = isSettled ? new WeakRef({ stamp: before.stamp, value }) : undefined;
    return value;
  }

  #look(): { readonly stamp: string; readonly time: number } {
    try {
      const stats = statSync(this.path, { bigint: true });
      return {
        stamp: stampOf(stats),
        time: Math.max(Number(stats.mtimeMs), Number(stats.ctimeMs)),
      };
    } catch (error) {
      throw faultOf(error, `unable to stat ${this.path}`);
    }
  }
}
