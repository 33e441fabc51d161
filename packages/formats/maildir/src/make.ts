// A maildir is a directory with tmp, new and cur in it: maildir(5).

import { constants, fchmodSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { errnoOf, faultOf } from '@q/fault';
import { closeFd, fsyncDir, fsyncFd, openFd, type Path } from '@q/fsx';
import { inside } from './paths.ts';

const INNER = ['tmp', 'new', 'cur'] as const;

/** True if `path` has the three directories. Throws a fault when that cannot be told. */
export async function isMaildir(path: Path): Promise<boolean> {
  for (const name of INNER) {
    try {
      if (!(await stat(inside(path, name))).isDirectory()) return false;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
      throw faultOf(error, `unable to stat ${path.toString()}`);
    }
  }
  return true;
}

/** Exact, whatever the umask. */
export interface MaildirModes {
  /** Of the maildir itself; 0700 if not given. */
  readonly directory?: number;
  /** Of tmp, new and cur; 0700 if not given. */
  readonly inner?: number;
}

/** Makes a maildir, durably. Throws a fault when there is something of that name, or the parent is missing. */
export async function makeMaildir(path: Path, modes: MaildirModes = {}): Promise<void> {
  const { directory = 0o700, inner = 0o700 } = modes;
  try {
    await mkdir(path, 0o700);
    for (const name of INNER) {
      await mkdir(inside(path, name), 0o700);
      await settle(inside(path, name), inner);
    }
    await settle(inside(path), directory);
    await fsyncDir(inside(path, '..'));
  } catch (error) {
    throw faultOf(error, `unable to make maildir ${path.toString()}`);
  }
}

async function settle(path: Buffer, mode: number): Promise<void> {
  const fd = await openFd(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    fchmodSync(fd, mode);
    await fsyncFd(fd);
  } finally {
    await closeFd(fd);
  }
}
