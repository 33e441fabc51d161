// What was used lately, up to a number of bytes; shared by all folders of an account.

/** Something in memory that may be let go of. */
export interface Held {
  /** Bytes it takes; may grow. */
  size: number;
  /** It has to go. */
  release(): void;
}

export class Recent {
  readonly #max: number;
  readonly #held = new Set<Held>();
  readonly #sizes = new Map<Held, number>();
  readonly #used: () => void;
  #size = 0;

  /** Holds up to `max` bytes. `used` is told whenever something comes in. */
  constructor(max: number, used: () => void = () => {}) {
    this.#max = max;
    this.#used = used;
  }

  /** It is used now: it comes in, or is the last to go. Others may have to. */
  use(held: Held): void {
    this.#used();
    this.drop(held);
    this.#held.add(held);
    this.#sizes.set(held, held.size);
    this.#size += held.size;
    for (const oldest of this.#held) {
      if (this.#size <= this.#max || oldest === held) return;
      this.drop(oldest);
      oldest.release();
    }
  }

  /** It is gone already. */
  drop(held: Held): void {
    this.#size -= this.#sizes.get(held) ?? 0;
    this.#sizes.delete(held);
    this.#held.delete(held);
  }

  /** Everything goes. */
  clear(): void {
    for (const held of [...this.#held]) {
      this.drop(held);
      held.release();
    }
  }
}
