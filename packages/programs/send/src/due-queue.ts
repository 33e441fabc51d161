// Messages ordered by the time they are due: a binary heap of 16 bytes an entry, so that a million queued
// messages cost 16 MB. Message numbers are unsigned 64-bit, as inode numbers are. Of those due at the same time, as
// a backlog is, the lowest number is first: files whose inodes lie together on the disk are read and removed together.

export interface Due {
  /** Seconds since 1970. */
  readonly at: number;
  /** Decimal message number. */
  readonly id: string;
}

const INITIAL = 64;

export class DueQueue {
  #at = new Float64Array(INITIAL);
  #id = new BigUint64Array(INITIAL);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(at: number, id: string): void {
    if (this.#size === this.#at.length) this.#grow();
    this.#rise(this.#size++, at, BigInt(id));
  }

  /** The time of the entry due first; undefined when empty. */
  nextAt(): number | undefined {
    return this.#size === 0 ? undefined : this.#at[0];
  }

  /** Takes the entry due first if it is due at `now`. */
  takeDue(now: number): Due | undefined {
    if (this.#size === 0 || (this.#at[0] as number) > now) return undefined;
    const due = { at: this.#at[0] as number, id: String(this.#id[0]) };
    const last = --this.#size;
    if (last > 0) this.#sink(this.#at[last] as number, this.#id[last] as bigint);
    return due;
  }

  /** Makes every entry due at `now` (SIGALRM). */
  makeAllDue(now: number): void {
    this.#at.fill(now, 0, this.#size);
    for (let place = this.#size >> 1; place-- > 0; )
      this.#sink(now, this.#id[place] as bigint, place);
  }

  /** All entries, in no order. Must not be changed meanwhile. */
  *entries(): Iterable<Due> {
    for (let i = 0; i < this.#size; i++) {
      yield { at: this.#at[i] as number, id: String(this.#id[i]) };
    }
  }

  #grow(): void {
    const at = new Float64Array(this.#size * 2);
    const id = new BigUint64Array(this.#size * 2);
    at.set(this.#at);
    id.set(this.#id);
    this.#at = at;
    this.#id = id;
  }

  #rise(from: number, at: number, id: bigint): void {
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#isBefore(at, id, parent)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#at[hole] = at;
    this.#id[hole] = id;
  }

  /** Puts an entry in place of the one at `from`, and in order with what is below. */
  #sink(at: number, id: bigint, from = 0): void {
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.#size) break;
      const right = child + 1;
      if (
        right < this.#size &&
        this.#isBefore(this.#at[right] as number, this.#id[right] as bigint, child)
      )
        child = right;
      if (this.#isBefore(at, id, child)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#at[hole] = at;
    this.#id[hole] = id;
  }

  /** True when a message with this time and number is to be tried before the one at that place. */
  #isBefore(at: number, id: bigint, place: number): boolean {
    const other = this.#at[place] as number;
    return at < other || (at === other && id < (this.#id[place] as bigint));
  }

  #move(from: number, to: number): void {
    this.#at[to] = this.#at[from] as number;
    this.#id[to] = this.#id[from] as bigint;
  }
}
