// The store of an account, which never fails: what happens to the one on disk is told to the log, and another takes its
// place. Damaged: a new one on disk, once. No room, no rights, no such file system: one in memory.

import { constants } from 'node:os';
import { errnoOf, errnoText } from '@q/fault';
import type { Log } from '@q/log';
import { FORMAT_KEY, isState } from './keys.ts';
import { CLOSE_AFTER, LOOK_AGAIN, UNSTORED_MAX } from './limits.ts';
import { LmdbStore } from './lmdb-store.ts';
import { MemoryStore } from './memory-store.ts';
import type { CachePlace } from './place.ts';
import type { Reading, Store, Writing } from './store.ts';

export class AccountStore implements Reading {
  readonly #place: CachePlace;
  readonly #log: Log;
  readonly #now: () => number;
  #store: Store | undefined;
  /** The directory of the one on disk. */
  #dir: string | undefined;
  /** The one that was entered last, and how many were: who closes one must not take the mark of who opened it again. */
  #entered: string | undefined;
  #entries = 0;
  #lookedAt = 0;
  /** The one on disk was used since the timer was set. */
  #used = false;
  #restTimer: NodeJS.Timeout | undefined;
  #mayRenew = true;
  #closed = false;
  /** Stores that are being closed. */
  #leaving: Promise<unknown> = Promise.resolve();

  constructor(place: CachePlace, log: Log, now: () => number) {
    this.#place = place;
    this.#log = log;
    this.#now = now;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#read((store) => store.get(key));
  }

  peek(key: Buffer): Buffer | undefined {
    return this.#read((store) => store.peek(key));
  }

  keys(prefix: Buffer): Buffer[] {
    return this.#read((store) => store.keys(prefix)) ?? [];
  }

  /** What other processes wrote until now is seen from now on. */
  refresh(): void {
    this.#read((store) => store.refresh());
  }

  /** A transaction. `work` may be called again, with another store, when the first one failed. */
  write<T>(work: (transaction: Writing) => T): T {
    for (;;) {
      const store = this.#current();
      let thrown: { readonly error: unknown } | undefined;
      try {
        return store.write((transaction) => {
          try {
            return work(transaction);
          } catch (error) {
            thrown = { error };
            throw error;
          }
        });
      } catch (error) {
        if (store instanceof MemoryStore) throw error;
        // The engine's own errors come out of `work`, too.
        if (thrown !== undefined && !isEngineError(thrown.error)) throw error;
        this.#fail(error);
      }
    }
  }

  /** Damage that the engine did not see. */
  damaged(what: string): void {
    this.#say(`${what} is damaged: dropped`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restTimer);
    this.#leave();
    await this.#leaving;
    this.#store = new MemoryStore(UNSTORED_MAX, isState);
  }

  #read<T>(reading: (store: Store) => T): T | undefined {
    const store = this.#current();
    try {
      return reading(store);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #current(): Store {
    this.#used = true;
    if (this.#store === undefined) this.#open(() => this.#place.enter((why) => this.#say(why)));
    else if (this.#dir !== undefined) this.#lookAgain(this.#dir);
    return this.#store as Store;
  }

  /** The cache on disk was removed or replaced: what is open is nobody's any more. */
  #lookAgain(dir: string): void {
    const now = this.#now();
    if (Math.abs(now - this.#lookedAt) < LOOK_AGAIN) return;
    this.#lookedAt = now;
    try {
      if (this.#place.newest() === dir) return;
    } catch {
      // Whether it is there cannot be told: the open one serves.
      return;
    }
    this.#leave();
    this.#open(() => this.#place.enter((why) => this.#say(why)));
  }

  #open(enter: () => string): void {
    if (this.#closed) throw new Error('the cache is closed');
    let dir: string | undefined;
    try {
      dir = enter();
      this.#dir = dir;
      this.#entered = dir;
      this.#entries++;
      this.#lookedAt = this.#now();
      this.#store = new LmdbStore(dir, this.#now);
      this.#checkFormat(this.#store);
      this.#restLater();
    } catch (error) {
      this.#fail(error);
    }
  }

  #checkFormat(store: Store): void {
    const found = store.get(FORMAT_KEY);
    if (found === undefined) store.write((transaction) => transaction.put(FORMAT_KEY, FORMAT));
    else if (!found.equals(FORMAT))
      throw new Error(`of another version, ${found.toString('latin1')}`);
  }

  #fail(error: unknown): void {
    const name = errnoName(error);
    // Of an errno the engine's own text names pages and addresses.
    const why = errnoText(isEngineErrno(error) ? { code: name } : messageOf(error));
    this.#leave();
    if (this.#mayRenew && !IMPOSSIBLE.has(name)) {
      this.#mayRenew = false;
      this.#say(`${why}: made anew`);
      this.#open(() => this.#place.renew());
      return;
    }
    this.#say(`${why}: going on without`);
    this.#store = new MemoryStore(UNSTORED_MAX, isState);
  }

  /** An open engine costs a quarter of a megabyte, and opening it again less than a millisecond. */
  #restLater(): void {
    this.#used = false;
    this.#restTimer ??= setTimeout(() => {
      this.#restTimer = undefined;
      if (this.#dir === undefined) return;
      if (this.#used) this.#restLater();
      else this.#leave();
    }, CLOSE_AFTER).unref();
  }

  #leave(): void {
    const [store, dir, entries] = [this.#store, this.#dir, this.#entries];
    this.#store = undefined;
    this.#dir = undefined;
    const left = async () => {
      await store?.close();
      const again = this.#entries > entries && this.#entered === dir;
      if (dir !== undefined && !again) this.#place.leave(dir);
    };
    // What fails here is not used any more.
    this.#leaving = Promise.all([this.#leaving, left().catch(() => {})]);
  }

  #say(what: string): void {
    this.#log(`cache: ${what}`);
  }
}

/** The engine's errors have errno as a number. */
function errnoName(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'number') return errnoOf(error) ?? '';
  return Object.entries(constants.errno).find(([, number]) => number === code)?.[0] ?? '';
}

function isEngineErrno(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' && code > 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isEngineError(error: unknown): boolean {
  return errnoOf(error) !== undefined || typeof (error as { code?: unknown })?.code === 'number';
}

/** What a new cache would not make better. */
const IMPOSSIBLE: ReadonlySet<string> = new Set(
  'ENOSPC EDQUOT EROFS EACCES EPERM ENOENT ENOTDIR EIO EMFILE ENFILE ENOMEM ENODEV EOPNOTSUPP EINVAL MODULE_NOT_FOUND ERR_DLOPEN_FAILED'.split(
    ' ',
  ),
);

/** The records' format: another number when one of them changes. */
const FORMAT: Buffer = Buffer.from('qmail-ts mail cache 1', 'latin1');
