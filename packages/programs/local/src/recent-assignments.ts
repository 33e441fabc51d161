// What qmail-getpw has said in the last moment, for the next message to the same address (ADR 17).

import type { Assignment } from '@q/users';
import { RECENT_MAX, RECENT_TIME } from './limits.ts';

interface Recent {
  readonly assignment: Assignment;
  /** In milliseconds of the monotonic clock. */
  readonly until: number;
}

export class RecentAssignments {
  /** By local part; the oldest first. */
  readonly #recent = new Map<string, Recent>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  find(local: string): Assignment | undefined {
    const found = this.#recent.get(local);
    if (found === undefined) return undefined;
    if (this.#now() < found.until) return found.assignment;
    this.#recent.delete(local);
    return undefined;
  }

  keep(local: string, assignment: Assignment): void {
    this.#recent.delete(local);
    if (this.#recent.size >= RECENT_MAX) this.#forgetOldest();
    this.#recent.set(local, { assignment, until: this.#now() + RECENT_TIME });
  }

  /** It may be why a delivery failed. */
  forget(local: string): void {
    this.#recent.delete(local);
  }

  #forgetOldest(): void {
    for (const local of this.#recent.keys()) {
      this.#recent.delete(local);
      return;
    }
  }
}
