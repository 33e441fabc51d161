// Whether a directory must be read again, told by one stat(2).
//
// Two changes within a tick of the file system's clock leave the same time. So what was read while the time was young is
// read again, until it is old; only then the time proves that nothing changed since.
//
// NFS answers stat(2) out of its attribute cache, for a minute or so; but opening a directory makes it ask the server
// (close-to-open consistency, see nfs(5)). There we look at an open one, and do not compare the server's clock with ours.
//
// After a change of our own, with the time before it known, there is nothing to be read; but another program's change in
// the very same tick would be missed. So it is read again VERIFY_MS later, however many more of our own come until then.

import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { errnoOf, faultOf } from '@q/fault';
import { retryStale } from './files.ts';
import { CLOCK_TICK_MS, COARSE_TICK_MS, VERIFY_MS } from './limits.ts';

/** A directory at one moment. */
export interface Look {
  /** '' when it is not there. */
  readonly stamp: string;
  /** No change before this moment may have left the same stamp as one after it. */
  readonly isOld: boolean;
  /** Milliseconds until it may be old. */
  readonly youngFor: number;
}

/** Whether `path` is on NFS; false where that cannot be told. */
export function isOnNfs(path: string): boolean {
  try {
    return statfsSync(path).type === NFS_SUPER_MAGIC;
  } catch {
    return false;
  }
}

export class DirectoryState {
  readonly #onNfs: boolean;
  readonly #verifyMs: number;
  #read: string | undefined;
  #kind: 'settled' | 'young' | 'own' = 'young';
  #verifyAt = 0;
  /** The stamp seen last and when: a server's clock may be ahead of ours for ever. */
  #seen = '';
  #seenAt = 0;

  constructor(onNfs: boolean, verifyMs = VERIFY_MS) {
    this.#onNfs = onNfs;
    this.#verifyMs = verifyMs;
  }

  /** Throws a fault. */
  look(path: string): Look {
    let stats: BigIntStats | undefined;
    try {
      stats = retryStale(() => (this.#onNfs ? statOpened(path) : statOf(path)));
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') stats = undefined;
      else throw faultOf(error, 'unable to look at mailbox');
    }
    if (stats === undefined) return { stamp: '', isOld: true, youngFor: 0 };
    const stamp = `${stats.dev} ${stats.ino} ${stats.mtimeNs} ${stats.ctimeNs}`;
    const now = performance.now();
    if (stamp !== this.#seen) {
      this.#seen = stamp;
      this.#seenAt = now;
    }
    const tick = stats.mtimeNs % 1_000_000n === 0n ? COARSE_TICK_MS : CLOCK_TICK_MS;
    const seen = now - this.#seenAt;
    const age = this.#onNfs ? seen : Date.now() - Number(stats.mtimeNs / 1_000_000n);
    const youngFor = Math.min(Math.max(tick - age, 0), Math.max(COARSE_TICK_MS - seen, 0));
    return { stamp, isOld: youngFor === 0, youngFor };
  }

  mustBeRead({ stamp }: Look): boolean {
    if (stamp !== this.#read) return true;
    if (this.#kind === 'own') return performance.now() >= this.#verifyAt;
    return this.#kind === 'young';
  }

  /** It was read whole; `before` is how it looked before that. */
  wasRead(before: Look): void {
    this.#read = before.stamp;
    this.#kind = before.isOld ? 'settled' : 'young';
  }

  /** What was read is not enough. */
  forget(): void {
    this.#read = undefined;
  }

  /** It was changed by us: from `before`, to how it looks now. */
  wasChanged(before: Look, after: Look): void {
    if (before.stamp !== this.#read) {
      this.forget();
      return;
    }
    if (this.#kind !== 'own') this.#verifyAt = performance.now() + this.#verifyMs;
    this.#kind = 'own';
    this.#read = after.stamp;
  }

  /** What it looked like last was left by a change of ours, with which another's may have hidden. */
  get mayHideChange(): boolean {
    return this.#kind === 'own';
  }

  /** Milliseconds until it is to be read again whatever its time says; undefined when there is no need. */
  get verifyIn(): number | undefined {
    if (this.#read === undefined || this.#kind === 'settled') return undefined;
    return this.#kind === 'own' ? Math.max(this.#verifyAt - performance.now(), 0) : CLOCK_TICK_MS;
  }
}

function statOf(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

function statOpened(path: string): BigIntStats | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return fstatSync(fd, { bigint: true });
  } finally {
    closeSync(fd);
  }
}

/** statfs(2). */
const NFS_SUPER_MAGIC = 0x6969;
