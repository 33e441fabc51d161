// How long a wrong password waits for its answer, by the address it came from. Only failures wait: the
// right password is never delayed, not even from an address that guesses.

import { PENALTY_ADDRESSES, PENALTY_FIRST, PENALTY_MAX, PENALTY_MEMORY } from './limits.ts';

interface Record {
  failures: number;
  /** Milliseconds of the clock. */
  last: number;
}

export class Penalties {
  /** In the order of the last failure, oldest first. */
  readonly #records = new Map<string, Record>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Counts a failure and says how many milliseconds after its start it is to be answered: 1 s, 2 s, 4 s... */
  failed(address: string): number {
    const now = this.#now();
    const before = this.#records.get(address);
    const fresh = before === undefined || now - before.last > PENALTY_MEMORY;
    const failures = fresh ? 1 : before.failures + 1;
    this.#records.delete(address);
    this.#records.set(address, { failures, last: now });
    if (this.#records.size > PENALTY_ADDRESSES) {
      for (const oldest of this.#records.keys()) {
        this.#records.delete(oldest);
        break;
      }
    }
    return Math.min(PENALTY_MAX, PENALTY_FIRST * 2 ** Math.min(failures - 1, 10));
  }
}
