// Fair share: no destination has all connections, and none keeps all of qmail-send's slots for long.
//
// A slot is qmail-send's, and is free again only with a report. So a delivery beyond its destination's
// share waits here without a connection; when it has waited for long and every slot is taken, it is put
// off, and the slot serves whatever comes next.

import { Temporary } from '@q/fault';
import { DESTINATION_SHARE, HOLD_CHECK_MS, HOLD_MS } from './limits.ts';

export interface SharesOptions {
  /** qmail-send's slots. */
  readonly slots: number;
  /** True when all of them are taken. */
  readonly crowded: () => boolean;
  readonly holdMs?: number;
  readonly checkMs?: number;
}

interface Waiter {
  readonly enter: () => void;
}

interface Destination {
  active: number;
  readonly waiting: Waiter[];
}

export class Shares {
  readonly #options: SharesOptions;
  readonly #share: number;
  readonly #destinations = new Map<string, Destination>();

  constructor(options: SharesOptions) {
    this.#options = options;
    this.#share = Math.max(1, Math.floor(options.slots * DESTINATION_SHARE));
  }

  /**
   * Resolves, first come first served, when there may be one connection more to the destination.
   * Throws Temporary when the slot is needed elsewhere. `leave` must follow.
   */
  async enter(name: string): Promise<void> {
    const destination = this.#destinations.get(name) ?? { active: 0, waiting: [] };
    this.#destinations.set(name, destination);
    if (destination.active < this.#share) destination.active++;
    else await this.#wait(destination.waiting);
  }

  leave(name: string): void {
    const destination = this.#destinations.get(name);
    if (destination === undefined) return;
    const next = destination.waiting.shift();
    if (next !== undefined) next.enter();
    else if (--destination.active === 0) this.#destinations.delete(name);
  }

  #wait(waiting: Waiter[]): Promise<void> {
    const { crowded, holdMs = HOLD_MS, checkMs = HOLD_CHECK_MS } = this.#options;
    return new Promise((resolve, reject) => {
      const since = performance.now();
      const timer = setInterval(() => {
        if (performance.now() - since < holdMs || !crowded()) return;
        clearInterval(timer);
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(
          new Temporary('Sorry, too many deliveries to that host are already waiting. (#4.4.5)'),
        );
      }, checkMs);
      const waiter: Waiter = {
        enter: () => {
          clearInterval(timer);
          resolve();
        },
      };
      waiting.push(waiter);
    });
  }
}
