// The two clocks of a connection, and a third word that may end it: idle time, deadline, stop.

import { Timeout } from './errors.ts';
import { TIMER_MAX } from './limits.ts';

/** Takes the function to call when what is waited for may have come; undefined withdraws it. */
export type Register = (wake: (() => void) | undefined) => void;

export class Clocks {
  /** Seconds without progress before Timeout. Infinity: no limit. */
  idleTimeout: number;
  #deadline: number | undefined;
  #stopping = false;
  /** Sets the timers of all waits anew after a clock changed. */
  readonly #rearm = new Set<() => void>();

  constructor(idleTimeout: number, deadline: number | undefined) {
    this.idleTimeout = idleTimeout;
    this.#deadline = deadline;
  }

  /** In milliseconds of Date.now. */
  get deadline(): number | undefined {
    return this.#deadline;
  }

  set deadline(time: number | undefined) {
    this.#deadline = time;
    for (const rearm of this.#rearm) rearm();
  }

  /** From now on a wait between two commands fails at once, and any other has `seconds` left. */
  stop(seconds: number): void {
    this.#stopping = true;
    const end = Date.now() + seconds * 1000;
    this.deadline = Math.min(this.#deadline ?? end, end);
  }

  /** Whatever was said before, `seconds` remain. */
  restart(seconds: number): void {
    this.#stopping = false;
    this.deadline = Date.now() + seconds * 1000;
  }

  /** Waits to be woken; rejects with Timeout when a clock runs out first. `between`: nothing is half done. */
  wait(between: boolean, register: Register): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const idleEnd = Date.now() + this.idleTimeout * 1000;
      const settle = (timeout?: Timeout) => {
        clearTimeout(timer);
        register(undefined);
        this.#rearm.delete(rearm);
        if (timeout === undefined) resolve();
        else reject(timeout);
      };
      const rearm = () => {
        clearTimeout(timer);
        if (between && this.#stopping) {
          settle(new Timeout('stop'));
          return;
        }
        const end = Math.min(idleEnd, this.#deadline ?? Number.POSITIVE_INFINITY);
        const reason = idleEnd <= end ? 'idle' : this.#stopping ? 'stop' : 'deadline';
        const delay = Math.max(0, Math.min(end - Date.now(), TIMER_MAX));
        timer = setTimeout(() => settle(new Timeout(reason)), delay);
      };
      this.#rearm.add(rearm);
      register(() => settle());
      rearm();
    });
  }
}
