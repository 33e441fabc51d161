// The store of a process that cannot have one on disk: bounded, and gone with it.

import type { Store, Writing } from './store.ts';

export class MemoryStore implements Store, Writing {
  readonly #values = new Map<string, Buffer>();
  readonly #max: number;
  readonly #keeps: (key: Buffer) => boolean;
  #size = 0;

  /** Beyond `max` bytes all goes but for the keys that `keeps` names. */
  constructor(max: number, keeps: (key: Buffer) => boolean) {
    this.#max = max;
    this.#keeps = keeps;
  }

  get(key: Buffer): Buffer | undefined {
    const value = this.#values.get(nameOf(key));
    return value === undefined ? undefined : Buffer.from(value);
  }

  peek(key: Buffer): Buffer | undefined {
    return this.#values.get(nameOf(key));
  }

  keys(prefix: Buffer): Buffer[] {
    const start = nameOf(prefix);
    const names = [...this.#values.keys()].filter((name) => name.startsWith(start));
    return names.sort().map((name) => Buffer.from(name, 'latin1'));
  }

  put(key: Buffer, value: Buffer): void {
    this.remove(key);
    this.#values.set(nameOf(key), Buffer.from(value));
    this.#size += value.length;
    if (this.#size > this.#max) this.#shed();
  }

  remove(key: Buffer): void {
    const name = nameOf(key);
    this.#size -= this.#values.get(name)?.length ?? 0;
    this.#values.delete(name);
  }

  refresh(): void {}

  write<T>(work: (transaction: Writing) => T): T {
    return work(this);
  }

  async close(): Promise<void> {
    this.#values.clear();
    this.#size = 0;
  }

  #shed(): void {
    for (const name of [...this.#values.keys()]) {
      const key = Buffer.from(name, 'latin1');
      if (!this.#keeps(key)) this.remove(key);
    }
  }
}

function nameOf(key: Buffer): string {
  return key.toString('latin1');
}
