// tmp/courier.lock: who has it may write courierimapuiddb and courierimapkeywords/:list. Messages need no lock.
//
//   file = pid ":" host       ; empty for the moment after it was made
//
// It is stale when its process, on this host, is no more, or has it for ten minutes; or when another host's is two minutes
// old. Courier thinks the same of ours, but for the ten minutes. Within a process the same file is nobody's whom this module did not give it to.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, faultOf, Temporary } from '@q/fault';
import { giveLink, isAlive } from '@q/fsx';
import { readWhole } from './files.ts';
import {
  LOCK_HELD_MAX_MS,
  LOCK_RETRY_MAX_MS,
  LOCK_RETRY_MS,
  LOCK_STALE_MS,
  LOCK_WAIT_MS,
} from './limits.ts';
import { freshName } from './name.ts';

const held = new Set<string>();

/** Linux's largest process number. */
const PID_MAX = 4_194_304;

/** A lock that is held; 'none' where no file can be made: the folder is not ours to write to, and nothing will be written. */
export interface HeldLock {
  readonly kind: 'held' | 'none';
  release(): void;
}

/**
 * Waits for the lock of the folder `dir`. Throws Temporary when it is not to be had for so long, and faults for other
 * trouble; ENOENT among them when the folder is gone.
 */
export async function lockFolder(dir: string, waitMs = LOCK_WAIT_MS): Promise<HeldLock> {
  const path = `${dir}/tmp/courier.lock`;
  const deadline = performance.now() + waitMs;
  for (let pause = LOCK_RETRY_MS; ; pause = Math.min(pause * 2, LOCK_RETRY_MAX_MS)) {
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (performance.now() >= deadline) throw new Temporary('the mailbox is locked');
    // Not all at the same moment: who waits longer must not always come too late.
    await sleep(pause * (0.5 + Math.random() / 2));
  }
}

function tryLock(path: string): HeldLock | undefined {
  if (held.has(path)) return undefined;
  const tmp = inTmp(path, '');
  try {
    // Tried before anything is looked at: a file server knows what is there, its client only remembers it.
    const now = writeLock(tmp);
    // With its text from the first moment: an empty one would be waited for until it is old.
    if (!linked(tmp, path)) {
      removeStale(path, now);
      return undefined;
    }
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? ''))
      return { kind: 'none', release: () => {} };
    throw faultOf(error, 'unable to lock mailbox');
  } finally {
    unlinkQuietly(tmp);
  }
  held.add(path);
  const mine = lstatSync(path, { throwIfNoEntry: false })?.ino;
  return { kind: 'held', release: () => release(path, mine) };
}

function inTmp(path: string, suffix: string): string {
  return `${path.slice(0, path.lastIndexOf('/'))}/${freshName().tmp}${suffix}`;
}

/** Gives the file system's time in milliseconds: a server's clock need not be ours. */
function writeLock(path: string): number {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
  try {
    writeSync(fd, `${process.pid}:${hostname()}`);
  } catch {
    // A full disk: it is a lock even so, and what frees space must go on.
  }
  try {
    return fstatSync(fd).mtimeMs;
  } finally {
    closeSync(fd);
  }
}

function linked(tmp: string, path: string): boolean {
  try {
    giveLink(tmp, path);
    return true;
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (code === 'EEXIST') return false;
    // A file system without links.
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(code)) throw error;
  }
  try {
    writeLock(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function release(path: string, mine: number | undefined): void {
  held.delete(path);
  try {
    // Perhaps we slept so long that it was taken for stale, and is another's now.
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === mine) unlinkSync(path);
  } catch {
    // It becomes stale.
  }
}

/**
 * Takes a stale lock away, under another name first: between the look and the unlink another process may have done so too,
 * and made its own.
 */
function removeStale(path: string, now: number): void {
  try {
    const seen = lstatSync(path, { throwIfNoEntry: false });
    if (seen === undefined || !isStale(path, now - seen.mtimeMs)) return;
    const aside = inTmp(path, '.stale');
    renameSync(path, aside);
    if (lstatSync(aside).ino === seen.ino) unlinkSync(aside);
    else renameSync(aside, path);
  } catch {
    // Whatever it is, we go on waiting.
  }
}

/** `age`: milliseconds since it was made. */
function isStale(path: string, age: number): boolean {
  let text: string;
  try {
    text = readWhole(path, 512)?.text ?? '';
  } catch {
    text = ''; // A link, a directory, too long: no lock of anybody's, but let it grow old.
  }
  const [, pid, host] = /^([0-9]{1,10}):(.*)$/s.exec(text) ?? [];
  if (host !== hostname() || Number(pid) < 1 || Number(pid) > PID_MAX) return age > LOCK_STALE_MS;
  // Ours, and not held: the process that had this number before us is no more.
  if (Number(pid) === process.pid) return true;
  // One that lives so long beside its lock is another by the same number, or hangs.
  return !isAlive(Number(pid)) || age > LOCK_HELD_MAX_MS;
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Garbage in tmp goes in 36 hours.
  }
}
