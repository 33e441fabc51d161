// What deliveries that died left in tmp. Any reader of the maildir may take it away: maildir(5).

import type { Stats } from 'node:fs';
import { lstat, readdir, unlink } from 'node:fs/promises';
import { faultOf } from '@q/fault';
import type { Path } from '@q/fsx';
import { TMP_LIFETIME } from './limits.ts';
import { inside } from './paths.ts';

export interface CleanOptions {
  /** Unix time in seconds. */
  readonly now?: number;
  /** Seconds since the last use. */
  readonly olderThan?: number;
}

/**
 * Removes the files in tmp that have been neither read nor written for 36 hours; resolves to how many.
 * Names that start with a dot and directories stay. A file that cannot be removed is passed over; throws
 * a fault only if tmp cannot be read.
 */
export async function cleanTmp(maildir: Path, options: CleanOptions = {}): Promise<number> {
  const { now = Date.now() / 1000, olderThan = TMP_LIFETIME } = options;
  const path = inside(maildir, 'tmp');
  let removed = 0;
  try {
    for (const name of await readdir(path, 'latin1')) {
      if (name.startsWith('.')) continue;
      if (await removeIfOld(inside(path, name), now - olderThan)) removed++;
    }
  } catch (error) {
    throw faultOf(error, `unable to scan ${path.toString('latin1')}`);
  }
  return removed;
}

async function removeIfOld(path: Buffer, before: number): Promise<boolean> {
  try {
    const stats = await lstat(path);
    if (stats.isDirectory() || lastUse(stats) >= before) return false;
    await unlink(path);
    return true;
  } catch {
    return false; // Somebody else removed it, or nobody may.
  }
}

/** qmail looks at atime alone; under noatime only mtime shows that a slow delivery is still writing. */
function lastUse(stats: Stats): number {
  return Math.max(stats.atimeMs, stats.mtimeMs) / 1000;
}
