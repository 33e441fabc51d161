// Replaces a file in one step: readers see the old content or the new, after a crash too.

import { fchmodSync, fchownSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  closeFd,
  createExclusive,
  fsyncDir,
  fsyncFd,
  renameFile,
  unlinkIfThere,
  writeFully,
} from './fd.ts';

/** Distinguishes temporary files made by one process. */
let sequence = 0;

export interface AtomicOptions {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Writes `data` (bytes, or pieces of them) to a new file in the same directory, fsyncs it, renames it
 * over `path` and fsyncs the directory. Every failure removes the temporary file and is thrown; a crash
 * leaves at most a file named PATH.PID.N.tmp that nothing reads. `mode` is exact, whatever the umask.
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | Iterable<Uint8Array>,
  options: AtomicOptions,
): Promise<void> {
  const temporary = `${path}.${process.pid}.${++sequence}.tmp`;
  const fd = await createExclusive(temporary, options.mode);
  try {
    try {
      if (options.uid !== undefined && options.gid !== undefined)
        fchownSync(fd, options.uid, options.gid);
      fchmodSync(fd, options.mode);
      for (const piece of data instanceof Uint8Array ? [data] : data) await writeFully(fd, piece);
      await fsyncFd(fd);
    } finally {
      await closeFd(fd);
    }
    await renameFile(temporary, path);
  } catch (error) {
    await unlinkIfThere(temporary);
    throw error;
  }
  await fsyncDir(dirname(path));
}
