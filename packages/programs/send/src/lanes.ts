// The messages of one channel in the order they are due, in two lanes: new mail, and mail that waits (retries, what
// was found at the start, a backlog in todo). The lanes are served in turn, so that neither delays the other.

import { type Due, DueQueue } from './due-queue.ts';

export class Lanes {
  readonly #waiting = new DueQueue();
  readonly #fresh = new DueQueue();
  #freshFirst = false;

  push(at: number, id: string, fresh: boolean): void {
    (fresh ? this.#fresh : this.#waiting).push(at, id);
  }

  /** The message to be tried next, if one is due at `now`. */
  takeDue(now: number): string | undefined {
    this.#freshFirst = !this.#freshFirst;
    const [first, second] = this.#freshFirst
      ? [this.#fresh, this.#waiting]
      : [this.#waiting, this.#fresh];
    return (first.takeDue(now) ?? second.takeDue(now))?.id;
  }

  nextAt(): number | undefined {
    const times = [this.#waiting.nextAt(), this.#fresh.nextAt()].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  makeAllDue(now: number): void {
    this.#waiting.makeAllDue(now);
    this.#fresh.makeAllDue(now);
  }

  *entries(): Iterable<Due> {
    yield* this.#waiting.entries();
    yield* this.#fresh.entries();
  }
}
