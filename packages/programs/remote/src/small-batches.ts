// Destinations that have shown not to like many recipients at once, remembered for some minutes.

import { SMALL_BATCH_MS, SMALL_BATCHES } from './limits.ts';

export class SmallBatches {
  readonly #known = new Map<string, { readonly most: number; readonly until: number }>();

  /** The most recipients of one transaction: `usual`, or less. */
  most(destination: string, usual: number): number {
    const known = this.#known.get(destination);
    if (known === undefined) return usual;
    if (performance.now() < known.until) return Math.min(usual, known.most);
    this.#known.delete(destination);
    return usual;
  }

  /** Notes a limit that a transaction has shown, if it has shown one. */
  learn(destination: string, most: number | undefined): void {
    if (most === undefined) return;
    this.#known.delete(destination);
    this.#known.set(destination, { most, until: performance.now() + SMALL_BATCH_MS });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= SMALL_BATCHES) return;
      this.#known.delete(oldest);
    }
  }
}
