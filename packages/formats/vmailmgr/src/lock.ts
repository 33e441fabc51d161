// The right to change a table, among our own programs and VMailMgr's.
//
// Ours wait for each other by flock(2) on TABLE.lock, a file that is never removed. VMailMgr's writers know
// only one lock: they create TABLE.tmp with O_EXCL, write the new table into it and rename it over TABLE. Who
// has the flock therefore takes that name in the same way, by link(2), which like O_EXCL fails when the name is
// taken, and waits a while if it is.
//
// Steps: flock -> remove leftovers -> create TABLE.new -> write its "DEV:INODE" into TABLE.lock -> link it to
// TABLE.tmp -> unlink TABLE.new. So the next holder can tell what a crashed one left behind from the work of
// a VMailMgr writer:
//
//   TABLE.lock alone           nothing to do: the kernel dropped the flock
//   TABLE.new                  ours: removed
//   TABLE.tmp, recorded        ours, and nobody writes to it any more: removed
//   TABLE.tmp, not recorded    VMailMgr's: waited for, and removed when it is LOCK_STALE old
//
// TABLE.tmp never is more than an unfinished copy, so removing it loses no finished change.

import {
  type BigIntStats,
  constants,
  ftruncateSync,
  lstatSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf, Temporary } from '@q/fault';
import {
  closeFd,
  createExclusive,
  fstatFd,
  fsyncDir,
  fsyncFd,
  leadsTo,
  linkFile,
  openFd,
  renameFile,
  tryFlock,
  unlinkFile,
  unlinkIfThere,
} from '@q/fsx';
import { LOCK_POLL, LOCK_STALE, LOCK_WAIT } from './limits.ts';

const LOCK_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

export interface LockOptions {
  /** Milliseconds to wait for other writers. */
  readonly wait?: number;
  /** Milliseconds after which a TABLE.tmp that nobody touched belongs to nobody. */
  readonly stale?: number;
}

/** Takes the lock of the table at `path`. Throws Temporary when others keep it for longer than `wait`. */
export async function lockTable(path: string, options: LockOptions = {}): Promise<TableLock> {
  const deadline = performance.now() + (options.wait ?? LOCK_WAIT);
  const lockFd = await takeFlock(`${path}.lock`, deadline);
  try {
    const fresh = `${path}.new`;
    await removeLeftovers(path, lockFd);
    const fd = await createExclusive(fresh, 0o600);
    try {
      record(lockFd, await fstatFd(fd));
      await claim(path, deadline, options.stale ?? LOCK_STALE);
      return new TableLock(path, lockFd, fd);
    } catch (error) {
      await closeFd(fd);
      throw error;
    } finally {
      await unlinkIfThere(fresh);
    }
  } catch (error) {
    await closeFd(lockFd);
    throw error;
  }
}

/** The lock, and the empty file that may become the new table. To be released. */
export class TableLock {
  /** TABLE.tmp, empty, open for writing. */
  readonly fd: number;
  readonly #path: string;
  readonly #lockFd: number;

  constructor(path: string, lockFd: number, fd: number) {
    this.#path = path;
    this.#lockFd = lockFd;
    this.fd = fd;
  }

  /** Makes what was written to `fd` the table, durably. */
  async commit(): Promise<void> {
    await fsyncFd(this.fd);
    try {
      await renameFile(`${this.#path}.tmp`, this.#path);
    } catch (error) {
      // A VMailMgr writer that slept for longer than LOCK_STALE may have renamed our file for its own.
      if (errnoOf(error) !== 'ENOENT' || !(await this.#isAt(this.#path))) throw error;
    }
    await fsyncDir(dirname(this.#path));
  }

  /** Gives the lock up; what was not committed is gone. */
  async release(): Promise<void> {
    try {
      if (await this.#isAt(`${this.#path}.tmp`)) await unlinkIfThere(`${this.#path}.tmp`);
      ftruncateSync(this.#lockFd);
    } finally {
      await closeFd(this.fd);
      await closeFd(this.#lockFd);
    }
  }

  async #isAt(path: string): Promise<boolean> {
    return leadsTo(this.fd, path, constants.O_NOFOLLOW);
  }
}

async function takeFlock(path: string, deadline: number): Promise<number> {
  for (;;) {
    const fd = await openFd(path, LOCK_FLAGS, 0o600);
    try {
      while (!tryFlock(fd, 'exclusive')) await wait(deadline);
      // Somebody may have removed the file we waited on; then a lock on it says nothing.
      if (await leadsTo(fd, path, LOCK_FLAGS)) return fd;
    } catch (error) {
      await closeFd(fd);
      throw error;
    }
    await closeFd(fd);
  }
}

/** What a holder left that was killed. It must go before the record of it is overwritten. */
async function removeLeftovers(path: string, lockFd: number): Promise<void> {
  const taken = statOf(`${path}.tmp`);
  if (taken !== undefined && isRecorded(lockFd, taken)) await retire(`${path}.tmp`, taken);
  await unlinkIfThere(`${path}.new`);
}

/** Gives TABLE.new the name TABLE.tmp as well, as soon as nobody else has it. */
async function claim(path: string, deadline: number, stale: number): Promise<void> {
  const temporary = `${path}.tmp`;
  while (!(await tryLink(`${path}.new`, temporary))) {
    const taken = statOf(temporary);
    if (taken === undefined) continue; // given up just now
    if (ageOf(taken) > stale) await retire(temporary, taken);
    else await wait(deadline);
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await linkFile(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function record(lockFd: number, stats: BigIntStats): void {
  ftruncateSync(lockFd);
  writeSync(lockFd, identity(stats), 0);
}

function isRecorded(lockFd: number, stats: BigIntStats): boolean {
  const buffer = Buffer.alloc(64);
  const length = readSync(lockFd, buffer, 0, buffer.length, 0);
  return buffer.toString('latin1', 0, length) === identity(stats);
}

function identity(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}\n`;
}

/**
 * Removes a TABLE.tmp that was judged to be nobody's. Its owner may have come back between the look and now,
 * finished, and another may have taken the name: so the file is moved aside, looked at again, and put back
 * if it is not the one that was judged.
 */
async function retire(temporary: string, judged: BigIntStats): Promise<void> {
  const aside = `${temporary}.stale`;
  try {
    await renameFile(temporary, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if (!isAt(aside, judged))
    await linkFile(aside, temporary).catch((error) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  await unlinkFile(aside);
}

async function wait(deadline: number): Promise<void> {
  if (performance.now() > deadline)
    throw new Temporary('the password table is being changed by another program');
  await pause(LOCK_POLL * (0.5 + Math.random()));
}

/** Milliseconds since the file was last written. */
function ageOf(stats: BigIntStats): number {
  return Date.now() - Number(stats.mtimeMs);
}

function isAt(path: string, held: BigIntStats): boolean {
  const named = statOf(path);
  return named !== undefined && named.ino === held.ino && named.dev === held.dev;
}

function statOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}
