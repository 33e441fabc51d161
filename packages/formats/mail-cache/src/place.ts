// Where a Maildir's cache is, and whether it may be used.
//
//   ROOT/mailcache/             0700, ours; no folder to Courier and Dovecot, whose folders begin with a dot
//     HOST/                     each host its own: LMDB's locks and memory maps do not reach over NFS; a host's name
//                               and what its machine-id(5) makes of it, as two hosts may have the same name
//       cache.TIME/             milliseconds since 1970 when it was made, 14 digits: the newest one counts
//         data.mdb data.mdb-lock
//         in-use.PID            of a process that has it open: the id of the boot, see boot_id in random(4)
//
// A cache that is not to be used any more gets no second life under its name: a newer one is made beside it, and it is
// removed. So nobody ever has the data of one and the locks of another, and whoever still has it open notices.

import { createHmac } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errnoOf, Permanent } from '@q/fault';
import { isAlive } from '@q/fsx';
import { UNCLEAN_MAX, UNCLEAN_WINDOW, UNUSED_DAYS } from './limits.ts';

const NAME = /^cache\.\d{14}$/;
const IN_USE = /^in-use\.(\d+)$/;
const DAY = 86_400_000;

export class CachePlace {
  readonly #top: string;
  readonly #host: string;
  readonly #now: () => number;

  constructor(root: string, host: string, now: () => number) {
    this.#top = join(root, 'mailcache');
    // A host's name is never a path.
    this.#host = join(this.#top, host.replace(/[^A-Za-z0-9_-]/g, '_') || '_');
    this.#now = now;
  }

  /**
   * The directory of the newest cache, made if there is none, and marked as in use. `suspect` is told why the one
   * before it is not used any more. Throws when there can be none.
   */
  enter(suspect: (why: string) => void): string {
    for (const dir of [this.#top, this.#host]) makeOwn(dir);
    const newest = this.newest();
    if (newest === undefined) return this.renew();
    const why = this.#suspicion(newest);
    if (why !== undefined) {
      suspect(why);
      return this.renew();
    }
    mark(newest);
    return newest;
  }

  /** A new cache in place of all others. */
  renew(): string {
    const others = this.#caches();
    const latest = Number(others.at(-1)?.slice('cache.'.length) ?? 0);
    const time = Math.max(this.#now(), latest + 1);
    const dir = join(this.#host, `cache.${String(time).padStart(14, '0')}`);
    mkdirSync(dir, { mode: 0o700 });
    mark(dir);
    for (const other of others) removeTree(join(this.#host, other));
    this.#removeLeftHosts();
    return dir;
  }

  /** The process is done with it, in order. */
  leave(dir: string): void {
    removeIfThere(join(dir, `in-use.${process.pid}`));
  }

  /** The cache that counts now, if there is one. */
  newest(): string | undefined {
    const name = this.#caches().at(-1);
    return name === undefined ? undefined : join(this.#host, name);
  }

  #caches(): string[] {
    try {
      return readdirSync(this.#host)
        .filter((name) => NAME.test(name))
        .sort();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /**
   * Why it should not be used: the host went down while it was open, and nobody knows what of it reached the disk; or
   * process after process ended without leaving it, as they do when a damaged page kills them.
   */
  #suspicion(dir: string): string | undefined {
    let unclean = 0;
    for (const name of readdirSync(dir)) {
      const pid = Number(IN_USE.exec(name)?.[1] ?? 0);
      if (pid === 0) continue;
      const marker = join(dir, name);
      const boot = contentIfThere(marker);
      if (boot !== undefined && boot !== bootId()) return 'it was open when the host went down';
      if (pid === process.pid || isAlive(pid)) continue;
      if (this.#now() - (statIfThere(marker)?.mtimeMs ?? 0) > UNCLEAN_WINDOW) removeIfThere(marker);
      else unclean++;
    }
    if (unclean < UNCLEAN_MAX) return undefined;
    return `${unclean} processes ended without closing it`;
  }

  /** Caches of hosts that have not been seen for long. */
  #removeLeftHosts(): void {
    for (const entry of readdirSync(this.#top, { withFileTypes: true })) {
      const dir = join(this.#top, entry.name);
      if (dir === this.#host || !entry.isDirectory()) continue;
      if (this.#now() - lastUsed(dir) > UNUSED_DAYS * DAY) removeTree(dir);
    }
  }
}

/** This host, as no other calls itself. */
export function thisHost(): string {
  const id = contentIfThere('/etc/machine-id')?.trim() ?? '';
  if (id === '') return hostname();
  // The id itself is not for everybody to read: machine-id(5).
  const secret = createHmac('sha256', id).update('qmail-ts mail cache').digest('hex');
  return `${hostname()}-${secret.slice(0, 16)}`;
}

/**
 * What can be removed of it. NFS keeps a file that another process of this host has open under another name, and its
 * directory with it: the next one to come removes them.
 */
function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // It is not used any more, whoever still has it.
  }
}

/** Milliseconds since 1970 when a host's caches were written to; for ever, if that cannot be told. */
function lastUsed(dir: string): number {
  try {
    return Math.max(0, ...readdirSync(dir).map((cache) => lastWritten(join(dir, cache))));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function lastWritten(cache: string): number {
  return statIfThere(join(cache, 'data.mdb'))?.mtimeMs ?? statIfThere(cache)?.mtimeMs ?? 0;
}

/** Who else may write there could show us what they like, and end us: LMDB trusts its files. */
function makeOwn(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  const status = lstatSync(dir);
  const isOurs = status.isDirectory() && status.uid === process.geteuid?.();
  if (!isOurs || (status.mode & 0o022) !== 0)
    throw Object.assign(new Permanent('it is not ours alone'), { code: 'EPERM' });
}

function mark(dir: string): void {
  writeFileSync(join(dir, `in-use.${process.pid}`), bootId(), { mode: 0o600 });
}

function bootId(): string {
  return contentIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

function contentIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function statIfThere(path: string): { readonly mtimeMs: number } | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
