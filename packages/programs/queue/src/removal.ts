// Taking back a message that will not be queued.

import { closeSync, constants, ftruncate, openSync, unlinkSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import { unlinkIfThere } from '@q/fsx';

/** The space is given back even where the unlink fails. What is left then is garbage that qmail-send collects. */
export async function remove(fd: number, path: string | undefined): Promise<void> {
  if (fd >= 0) await new Promise<void>((resolve) => ftruncate(fd, 0, () => resolve()));
  if (path !== undefined) await unlinkIfThere(path).catch(() => {});
}

/** The same at once, without giving back the space of an open file. */
export function removeSync(path: string | undefined): void {
  try {
    if (path !== undefined) unlinkSync(path);
  } catch {
    // As above.
  }
}

/** True only where the path certainly leads to nothing. */
export function isAbsent(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW));
    return false;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}
