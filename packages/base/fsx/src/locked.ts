// A lock on whatever has a name now. flock(2) locks the open file, not its name: who had the lock before may have
// renamed another file over the name, or removed it, and a lock on the one that is left over says nothing.

import { constants, lstatSync, statSync } from 'node:fs';
import { Temporary } from '@q/fault';
import { closeFd, fstatFd, openFd, type Path } from './fd.ts';
import { flock } from './flock.ts';

/**
 * Each try is lost to another program that has replaced the file meanwhile; as many as this in a row mean that names
 * and files do not agree at all, as on file systems that make up a new inode number at each look.
 */
const TRIES = 1000;

/**
 * Opens `path` as openFd does and waits for the exclusive lock of the file that has the name then. With O_NOFOLLOW
 * among the `flags` it is the name itself that must be the file's, else a symbolic link may lead to it.
 */
export async function openLocked(path: Path, flags: number, mode = 0o600): Promise<number> {
  for (let left = TRIES; left > 0; left--) {
    const fd = await openFd(path, flags, mode);
    try {
      await flock(fd, 'exclusive');
      if (await leadsTo(fd, path, flags)) return fd;
    } catch (error) {
      await closeFd(fd);
      throw error;
    }
    await closeFd(fd);
  }
  throw new Temporary('it is replaced again and again');
}

/** Whether the open file still has the name `path`; `flags` are those it was opened with. */
export async function leadsTo(fd: number, path: Path, flags: number): Promise<boolean> {
  const look = (flags & constants.O_NOFOLLOW) === 0 ? statSync : lstatSync;
  const held = await fstatFd(fd);
  const named = look(path, { bigint: true, throwIfNoEntry: false });
  return named?.ino === held.ino && named.dev === held.dev;
}
