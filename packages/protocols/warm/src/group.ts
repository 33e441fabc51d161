// The workers of one key, and who waits for them.

import type { Call } from './call.ts';
import type { Called, Worker } from './worker.ts';

export interface Idle {
  readonly worker: Worker;
  readonly version: string;
  readonly since: number;
  readonly timer: NodeJS.Timeout;
}

/** One call that can be made beside others. */
export interface Shared {
  readonly call: Call;
  readonly input: number | undefined;
  /** Undefined: nothing has been begun, and nothing will be. */
  readonly done: (called: Promise<Called> | undefined) => void;
}

/** Waits for a worker of its own, or for one to share. It is no longer in the line when it is called. */
export type Waiter =
  | { readonly alone: (worker: Worker | undefined) => void; readonly shared?: never }
  | { readonly shared: Shared; readonly alone?: never };

export class Group {
  /** Workers: starting, busy and idle ones. */
  size = 0;
  /** One is being started for those who share. */
  starting = false;
  /** The most recently used last: the others may get old. */
  readonly idle: Idle[] = [];
  readonly waiting = new Set<Waiter>();
  /** The program that did not become a worker, and until when that is remembered. */
  cold: { readonly version: string; readonly until: number } | undefined;
  /** When a worker last answered. */
  progress = 0;
  /** Until when calls are not made together. */
  aloneUntil = 0;
  /** The last call needed its three files: the next one is likely to. */
  needsFiles = false;

  get unused(): boolean {
    return this.size === 0 && this.waiting.size === 0;
  }

  isCold(version: string): boolean {
    return (
      this.cold !== undefined &&
      this.cold.version === version &&
      performance.now() < this.cold.until
    );
  }

  /** The one used last. Those of a program that has been replaced are let go. */
  takeIdle(version: string): Worker | undefined {
    for (;;) {
      const last = this.idle.pop();
      if (last === undefined) return undefined;
      clearTimeout(last.timer);
      if (last.version === version) return last.worker;
      last.worker.end();
    }
  }

  forgetIdle(worker: Worker): void {
    const place = this.idle.findIndex((one) => one.worker === worker);
    if (place >= 0) clearTimeout(this.idle.splice(place, 1)[0]?.timer);
  }

  /** Who has waited longest, and with a call that can be made beside others as many more as may be. */
  *nextWaiters(together: number): Iterable<Waiter> {
    let count = 0;
    for (const waiter of this.waiting) {
      if (count > 0 && waiter.shared === undefined) return;
      this.waiting.delete(waiter);
      yield waiter;
      if (waiter.shared === undefined || ++count === together) return;
    }
  }
}
