// Whether a name is taken.

import { lstat } from 'node:fs/promises';
import { errnoOf } from '@q/fault';
import type { Path } from './fd.ts';

/** True for whatever has the name, also a symbolic link that leads nowhere. Throws system errors but ENOENT. */
export async function isThere(path: Path): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
