// One timer for many waits that are seldom in vain. It is left running from one wait to the next, which costs nothing;
// when it rings, who waits looks whether his time is over.

import { TIMER_MAX } from './limits.ts';

export class Alarm {
  readonly #ring: () => void;
  readonly #keepsAlive: boolean;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, in milliseconds of Date.now. */
  #at = Number.POSITIVE_INFINITY;

  /** `keepsAlive`: while it is set the process does not end by itself. */
  constructor(ring: () => void, keepsAlive = true) {
    this.#ring = ring;
    this.#keepsAlive = keepsAlive;
  }

  /**
   * Rings at `at`, in milliseconds of Date.now, unless it is set to an earlier time already: who finds that
   * too early sets it again. Infinity: whenever it likes.
   */
  set(at: number): void {
    if (this.#at <= at) return;
    clearTimeout(this.#timer);
    const now = Date.now();
    const delay = Math.max(1, Math.min(at - now, TIMER_MAX));
    this.#at = now + delay;
    this.#timer = setTimeout(() => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#ring();
    }, delay);
    if (!this.#keepsAlive) this.#timer.unref();
  }

  /** Rings no more, until it is set again. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
