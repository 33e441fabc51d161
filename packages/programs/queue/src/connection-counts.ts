// How many connections each user has. Ordinary users share a part of them; qmail's own always get in.

import { CONNECTIONS_MAX, ORDINARY_CONNECTIONS_MAX, USER_CONNECTIONS_MAX } from './limits.ts';

export class ConnectionCounts {
  readonly #trusted: ReadonlySet<number>;
  readonly #byUser = new Map<number, number>();
  #all = 0;
  #ordinary = 0;

  constructor(trusted: Iterable<number>) {
    this.#trusted = new Set(trusted);
  }

  /** Counts one more connection of `uid`; undefined when it is one too many, else what ends it. */
  admit(uid: number): (() => void) | undefined {
    const ordinary = !this.#trusted.has(uid);
    const own = this.#byUser.get(uid) ?? 0;
    if (this.#all >= CONNECTIONS_MAX) return undefined;
    if (ordinary && (own >= USER_CONNECTIONS_MAX || this.#ordinary >= ORDINARY_CONNECTIONS_MAX))
      return undefined;
    this.#count(uid, ordinary, 1);
    return () => this.#count(uid, ordinary, -1);
  }

  #count(uid: number, ordinary: boolean, step: 1 | -1): void {
    this.#all += step;
    if (ordinary) this.#ordinary += step;
    const own = (this.#byUser.get(uid) ?? 0) + step;
    if (own === 0) this.#byUser.delete(uid);
    else this.#byUser.set(uid, own);
  }
}
