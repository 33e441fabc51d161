// Deletes a virtual user's directory, and nothing else. The record names it, and a record can say
// anything ("../..", a path through a symbolic link, another user's directory): what is not safely
// below the domain's user directory stays.
//
//   users/joe  --rename-->  users/.deleted.1795334409.4711.1  --emptied-->  gone
//
// After the rename a new user of that name cannot meet the old mail. A crash before the rename leaves
// users/joe without a record; one after it leaves .deleted.*, which sweepDeleted removes.

import { lstatSync, readdirSync, realpathSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { bytesOf, textOf } from '@q/bytes';
import { errnoOf, errnoText, Permanent } from '@q/fault';
import { REMOVE_TRIES } from './limits.ts';

const DELETED = '.deleted.';

let sequence = 0;

/**
 * Deletes `directory` (latin1, relative to the working directory, which is the home). False when there
 * was none. Throws Permanent when it is not strictly below `userDir`, or could not be removed.
 */
export function removeMailbox(directory: string, userDir: string): boolean {
  const path = insideOf(directory, userDir);
  if (path === undefined) throw new Permanent(`'${directory}' is not below '${userDir}'`);
  const kind = kindOf(path);
  if (kind === 'missing') return false;
  if (kind === 'link') unlinkSync(bytesOf(path));
  else emptyAndRemove(setAside(path, userDir));
  return true;
}

/** Removes what interrupted deletions left in `userDir`. What cannot be removed is left for the next time. */
export function sweepDeleted(userDir: string): void {
  try {
    for (const name of readdirSync(bytesOf(userDir), { encoding: 'latin1' })) {
      if (name.startsWith(DELETED)) removeTree(posix.join(userDir, name));
    }
  } catch {
    // It will be there the next time.
  }
}

/** True for a directory that a deletion may have made: no record may have one. */
export function isSetAside(directory: string): boolean {
  return posix
    .normalize(directory)
    .split('/')
    .some((part) => part.startsWith(DELETED));
}

/** True when the two are one directory, or one holds the other: deleting one would hurt the other. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => `${posix.normalize(path).replace(/\/+$/, '')}/`) as Two;
  return a.startsWith(b) || b.startsWith(a);
}

type Two = [string, string];

/** True for a directory that a deletion would take: strictly below `userDir`, by whatever links. */
export function isBelow(directory: string, userDir: string): boolean {
  return insideOf(directory, userDir) !== undefined;
}

/** `directory` normalised, if it and the directory it really lies in are below `userDir`. */
function insideOf(directory: string, userDir: string): string | undefined {
  const top = posix.normalize(`${userDir}/`);
  const path = posix.normalize(directory).replace(/\/+$/, '');
  const below = path.startsWith(top) && path !== top.slice(0, -1);
  if (!below || path.includes('\0')) return undefined;
  try {
    const realTop = `${realpathOf(top)}/`;
    return `${realpathOf(posix.dirname(path))}/`.startsWith(realTop) ? path : undefined;
  } catch (error) {
    // A parent that is not there cannot hold a directory.
    return errnoOf(error) === 'ENOENT' ? path : undefined;
  }
}

function realpathOf(path: string): string {
  return textOf(realpathSync(bytesOf(path), { encoding: 'buffer' }));
}

function kindOf(path: string): 'missing' | 'link' | 'other' {
  const stats = lstatSync(bytesOf(path), { throwIfNoEntry: false });
  if (stats === undefined) return 'missing';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

/** Gives the directory a name nobody looks for. Where that is not possible (a mount point) it keeps its own. */
function setAside(path: string, userDir: string): string {
  const now = Math.floor(Date.now() / 1000);
  const aside = posix.join(userDir, `${DELETED}${now}.${process.pid}.${++sequence}`);
  try {
    renameSync(bytesOf(path), bytesOf(aside));
    return aside;
  } catch (error) {
    if (!['EXDEV', 'EBUSY'].includes(errnoOf(error) ?? '')) throw couldNot(error);
    return path;
  }
}

/** A delivery that began before may still put a file in: then once more. */
function emptyAndRemove(path: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      removeTree(path);
      return;
    } catch (error) {
      if (attempt === REMOVE_TRIES) throw couldNot(error);
    }
  }
}

/** Symbolic links below `path` are unlinked, never followed. */
function removeTree(path: string): void {
  rmSync(bytesOf(path), { recursive: true, force: true });
}

function couldNot(error: unknown): Permanent {
  return new Permanent(errnoText(error), { cause: error });
}
