// The store on disk: one LMDB environment, of which several processes of one host read and write.
//
// LMDB trusts its files: it maps them, and a page that lies beyond the end of a file, or a lock file that the disk has no
// room for, ends the process by SIGBUS. Both are looked at before it gets to see them.

import {
  closeSync,
  constants,
  linkSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errnoOf, Permanent } from '@q/fault';
import { fsyncFd, openFd } from '@q/fsx';
import type { Database } from 'lmdb';
import { FREE_MIN, LOOK_AGAIN, READERS_MAX } from './limits.ts';
import { lmdb } from './native.ts';
import type { Store, Writing } from './store.ts';

export class LmdbStore implements Store {
  readonly #db: Database<Buffer, Buffer>;
  readonly #transaction: Writing;
  readonly #path: string;
  readonly #dir: string;
  readonly #now: () => number;
  #roomSeen: number;
  /** Something may be there that is not on disk yet. */
  #written = false;

  /** Opens or makes it in `dir`, which exists. Throws when it is damaged or there is no room. */
  constructor(dir: string, now: () => number) {
    this.#dir = dir;
    this.#now = now;
    const path = join(dir, 'data.mdb');
    this.#path = path;
    makeLockFile(`${path}-lock`, dir);
    checkHead(path);
    const options = {
      path,
      encoding: 'binary',
      keyEncoding: 'binary',
      maxReaders: READERS_MAX,
      compression: true,
      permissionsMode: 0o600,
      // A commit that waits for the disk would hold up all sessions of the process. What a host that went down leaves
      // is not used again: see place.ts.
      noSync: true,
    } as const;
    checkRoom(dir);
    this.#db = lmdb().open<Buffer, Buffer>(options);
    try {
      this.#db.transactionSync(() => restoreLength(path));
    } catch (error) {
      void this.#db.close();
      throw error;
    }
    this.#roomSeen = now();
    this.#transaction = {
      get: (key) => this.get(key),
      peek: (key) => this.peek(key),
      keys: (prefix) => this.keys(prefix),
      put: (key, value) => void this.#db.putSync(key, value),
      remove: (key) => void this.#db.removeSync(key),
    };
  }

  get(key: Buffer): Buffer | undefined {
    const value = this.peek(key);
    return value === undefined ? undefined : Buffer.from(value);
  }

  peek(key: Buffer): Buffer | undefined {
    const value = this.#db.getBinaryFast(key);
    // Its `length` is only a property of the object: native functions would read to the end of the shared buffer.
    return value && Buffer.from(value.buffer, value.byteOffset, value.length);
  }

  keys(prefix: Buffer): Buffer[] {
    const end = Buffer.from(prefix);
    end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
    return Array.from(this.#db.getKeys({ start: prefix, end }), (key) => Buffer.from(key));
  }

  refresh(): void {
    this.#db.resetReadTxn();
  }

  write<T>(work: (transaction: Writing) => T): T {
    if (Math.abs(this.#now() - this.#roomSeen) >= LOOK_AGAIN) {
      this.#roomSeen = this.#now();
      checkRoom(this.#dir);
    }
    this.#written = true;
    return this.#db.transactionSync(() => work(this.#transaction));
  }

  async close(): Promise<void> {
    await this.#db.close();
    if (!this.#written) return;
    const fd = await openFd(this.#path, constants.O_RDONLY);
    try {
      await fsyncFd(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/** LMDB writes to file descriptor 2 what it cannot write to the disk, and that may be a client: better not begin. */
function checkRoom(dir: string): void {
  const { bavail, bsize } = statfsSync(dir);
  if (bavail * bsize < FREE_MIN) throw noSpace();
}

function noSpace(): Error {
  return Object.assign(new Error('too little room on the disk'), { code: 'ENOSPC' });
}

/**
 * LMDB makes its lock file as a hole and writes to it through memory: on a full disk that is SIGBUS. Here it is made
 * of written zeros, which LMDB takes for new, and appears under its name in one step.
 */
function makeLockFile(path: string, dir: string): void {
  const fresh = join(dir, `lock.${process.pid}`);
  const fd = openSync(fresh, 'w', 0o600);
  try {
    const zeros = Buffer.alloc(LOCK_SIZE);
    if (writeSync(fd, zeros) < LOCK_SIZE) throw noSpace();
    linkSync(fresh, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    closeSync(fd);
    unlinkSync(fresh);
  }
}

/**
 * Throws when the file is no LMDB file. Either of its two first pages describes it:
 *
 *   meta = 24OCTET magic *116OCTET last-page ...        ; last-page at LAST_PAGE_AT, from 0
 */
function checkHead(path: string): void {
  const pages = firstPages(path);
  if (pages === undefined) return;
  if (pages.length < 2 * PAGE) throw new Permanent('it is cut off');
  for (const at of [0, PAGE])
    if (pages.readUInt32LE(at + MAGIC_AT) !== MAGIC) throw new Permanent('it is no LMDB file');
}

/**
 * A file that is shorter than it says it is gets its length back, as a hole: what it held there is damaged, which can be
 * seen. Only for who holds the lock of writers, because nobody else makes the file longer.
 */
function restoreLength(path: string): void {
  const pages = firstPages(path);
  if (pages === undefined || pages.length < 2 * PAGE) return;
  const last = Math.max(...[0, PAGE].map((at) => pages.readUIntLE(at + LAST_PAGE_AT, 6)));
  const length = (last + 1) * PAGE;
  if (statSync(path).size < length) truncateSync(path, length);
}

/** Undefined: there is no such file, or it is empty, and LMDB will make it. */
function firstPages(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(2 * PAGE);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    return length === 0 ? undefined : bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

const PAGE = 4096;
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;
const LAST_PAGE_AT = 144;
/** Above what READERS_MAX readers take: 64 bytes each and a head. */
const LOCK_SIZE = 16 * 1024;
