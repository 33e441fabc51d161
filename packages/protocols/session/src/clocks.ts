// The two clocks of a connection, and a third word that may end it: idle time, deadline, stop.
//
// A connection waits many times and seldom in vain: one alarm serves all its waits. When it rings they are looked
// through for those that have lasted too long.

import { Alarm } from '@q/net';
import { Timeout } from './errors.ts';

/** Takes the function to call when what is waited for may have come; undefined withdraws it. */
export type Register = (wake: (() => void) | undefined) => void;

interface Wait {
  /** Nothing is half done: a stop ends it. */
  readonly between: boolean;
  /** In milliseconds of Date.now. */
  readonly idleEnd: number;
  settle(timeout?: Timeout): void;
}

export class Clocks {
  /** Seconds without progress before Timeout. Infinity: no limit. */
  idleTimeout: number;
  #deadline: number;
  #stopping = false;
  readonly #waits = new Set<Wait>();
  readonly #alarm = new Alarm(() => this.#look());

  constructor(idleTimeout: number, deadline: number | undefined) {
    this.idleTimeout = idleTimeout;
    this.#deadline = deadline ?? Number.POSITIVE_INFINITY;
  }

  /** In milliseconds of Date.now. */
  get deadline(): number | undefined {
    return this.#deadline === Number.POSITIVE_INFINITY ? undefined : this.#deadline;
  }

  set deadline(time: number | undefined) {
    this.#deadline = time ?? Number.POSITIVE_INFINITY;
    this.#look();
  }

  /** From now on a wait between two commands fails at once, and any other has `seconds` left. */
  stop(seconds: number): void {
    this.#stopping = true;
    this.deadline = Math.min(this.#deadline, Date.now() + seconds * 1000);
  }

  /** Whatever was said before, `seconds` remain. */
  restart(seconds: number): void {
    this.#stopping = false;
    this.deadline = Date.now() + seconds * 1000;
  }

  /** The connection is over: nothing of it keeps the process alive. */
  end(): void {
    this.#alarm.end();
  }

  /** Waits to be woken; rejects with Timeout when a clock runs out first. `between`: nothing is half done. */
  wait(between: boolean, register: Register): Promise<void> {
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        between,
        idleEnd: Date.now() + this.idleTimeout * 1000,
        settle: (timeout) => {
          register(undefined);
          this.#waits.delete(wait);
          if (timeout === undefined) resolve();
          else reject(timeout);
        },
      };
      this.#waits.add(wait);
      register(() => wait.settle());
      if (between && this.#stopping) wait.settle(new Timeout('stop'));
      else this.#alarm.set(Math.min(wait.idleEnd, this.#deadline));
    });
  }

  /** Ends the waits that have lasted too long, and sets the alarm for the next that may. */
  #look(): void {
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    for (const wait of this.#waits) {
      const end = Math.min(wait.idleEnd, this.#deadline);
      if (wait.between && this.#stopping) wait.settle(new Timeout('stop'));
      else if (end <= now) wait.settle(new Timeout(this.#reason(wait)));
      else next = Math.min(next, end);
    }
    if (this.#waits.size > 0) this.#alarm.set(next);
  }

  #reason({ idleEnd }: Wait): Timeout['reason'] {
    if (idleEnd <= this.#deadline) return 'idle';
    return this.#stopping ? 'stop' : 'deadline';
  }
}
