// What the cache needs of an embedded engine: keys in order, values, transactions. On disk it is LMDB (lmdb-store.ts,
// docs/adr/0020), and a map in memory where that cannot be (memory-store.ts).

export interface Reading {
  /** The value; the caller's own. */
  get(key: Buffer): Buffer | undefined;
  /** The value, which holds until the next call of this store. */
  peek(key: Buffer): Buffer | undefined;
  /** The keys that begin with `prefix`, ascending; all at once, so that they may be removed meanwhile. */
  keys(prefix: Buffer): Buffer[];
}

export interface Writing extends Reading {
  put(key: Buffer, value: Buffer): void;
  remove(key: Buffer): void;
}

export interface Store extends Reading {
  /** What is read from now on is no older than this; otherwise it may be as old as the turn of the event loop. */
  refresh(): void;
  /** A transaction: all of what `work` puts and removes, or nothing when it throws. No other process writes meanwhile. */
  write<T>(work: (transaction: Writing) => T): T;
  /** What was written is on disk then. */
  close(): Promise<void>;
}
