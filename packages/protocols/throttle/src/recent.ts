// A table of what happened lately: bounded, the entry that was set longest ago goes first.

/** What a Map is, with a bound on entries and on their age (milliseconds of the clock). */
export class Recent<V> {
  readonly #entries = new Map<string, { readonly value: V; readonly at: number }>();
  readonly #max: number;
  readonly #age: number;

  constructor(max: number, age: number) {
    this.#max = max;
    this.#age = age;
  }

  get(key: string, now: number): V | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined || now - entry.at > this.#age ? undefined : entry.value;
  }

  set(key: string, value: V, now: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, at: now });
    if (this.#entries.size <= this.#max) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
