// Long work and other sessions: who loops over a folder lets others have their turn, and who changes a folder does so
// one after the other.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { TURN_MS } from './limits.ts';

/** Waits now and then, so that no other session waits longer than some milliseconds. To be asked often: it costs little. */
export class Turns {
  #since = performance.now();
  #asked = 0;

  /** True when it is time to `await pause()`. */
  get over(): boolean {
    return ++this.#asked % 32 === 0 && performance.now() - this.#since > TURN_MS;
  }

  async pause(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}

/** One after the other. */
export class Line {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all before it is over, whatever became of that. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => {});
    return done;
  }
}
