// The event loop gets its turn during long work: other sessions of the process wait for it.

import { setImmediate } from 'node:timers/promises';
import { TURN } from './limits.ts';

export class Turns {
  #since = performance.now();

  /** It is time: `await turns.give()`. */
  get due(): boolean {
    return performance.now() - this.#since > TURN;
  }

  async give(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
