// Puts a table in place of an old one in one step: readers see the old or the new one. setforward(1).

import { constants, fchmodSync, ftruncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoText, isFault, Temporary } from '@q/fault';
import { closeFd, fstatFd, fsyncDir, fsyncFd, openLocked, renameFile, unlinkIfThere } from '@q/fsx';

const O_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
/** A table has no secrets: fastforward is run by many users. */
const MODE = 0o644;

/**
 * Lets `write` fill a new file, named `temporary` while it is written, and renames it to `path`. Writers of one
 * `temporary` wait for each other. Throws faults, system errors as Temporary; `path` then stays as it was.
 */
export async function replaceFile(
  path: string,
  temporary: string,
  write: (fd: number) => Promise<void>,
): Promise<void> {
  const fd = await openAlone(temporary).catch(rethrow(`unable to create ${temporary}`));
  try {
    try {
      ftruncateSync(fd);
      fchmodSync(fd, MODE);
      await write(fd);
      await fsyncFd(fd);
    } catch (error) {
      throw isFault(error) ? error : soft(`unable to write to ${temporary}`, error);
    }
    await renameFile(temporary, path).catch(rethrow(`unable to move ${temporary} to ${path}`));
  } catch (error) {
    await unlinkIfThere(temporary);
    throw error;
  } finally {
    await closeFd(fd);
  }
  await fsyncDir(dirname(path)).catch(rethrow(`unable to sync the directory of ${path}`));
}

/** Opens and locks it, whoever else wants to write it. */
async function openAlone(temporary: string): Promise<number> {
  const fd = await openLocked(temporary, O_FLAGS, MODE);
  try {
    if ((await fstatFd(fd)).isFile()) return fd;
    throw new Temporary(`${temporary} is not a regular file`);
  } catch (error) {
    await closeFd(fd);
    throw error;
  }
}

function rethrow(what: string): (error: unknown) => never {
  return (error) => {
    throw isFault(error) ? error : soft(what, error);
  };
}

function soft(what: string, error: unknown): Temporary {
  return new Temporary(`${what}: ${errnoText(error)}`, { cause: error });
}
