// Moves a user's directory while mail comes in and is read: at every moment the record leads to the mail.
//
//   1 NEW made a symbolic link to OLD             crash after: a link nobody uses, taken over by the next run
//   2 the record says NEW instead of OLD          crash after: works, by way of the link
//   3 NEW and OLD change places (one system call) crash after: a link at OLD that nobody uses
//   4 the link, now at OLD, removed
//
// Where the file system cannot do step 3, NEW stays a link: slower by one look-up, and nothing lost.
// Directories are latin1 and relative to the home, which is the working directory.

import { lstatSync, mkdirSync, readlinkSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { bytesOf, textOf } from '@q/bytes';
import { Permanent } from '@q/fault';
import { fsyncDir } from '@q/fsx';
import { exchangeNames } from '@q/posix';

export interface Move {
  readonly from: string;
  readonly to: string;
}

const PARENT_MODE = 0o755;

/**
 * Step 1, without fsync: `syncMoves` has that. Throws Permanent when something other than that very link is at
 * `to`.
 */
export function linkMailbox({ from, to }: Move): void {
  const there = lstatSync(bytesOf(to), { throwIfNoEntry: false });
  if (there?.isSymbolicLink() && linkTarget(to) === posix.normalize(from)) return;
  if (there !== undefined) throw new Permanent(`'${to}' is there already`);
  mkdirSync(bytesOf(posix.dirname(to)), { recursive: true, mode: PARENT_MODE });
  symlinkSync(bytesOf(posix.relative(posix.dirname(to), from)), bytesOf(to));
}

/** Steps 3 and 4. False when `to` has to stay a link. Throws a system error, and then nothing has moved. */
export function settleMailbox({ from, to }: Move): boolean {
  if (linkTarget(to) !== posix.normalize(from) || !isDirectory(from)) return true;
  if (!exchangeNames(bytesOf(to), bytesOf(from))) return false;
  unlinkSync(bytesOf(from));
  return true;
}

/** Takes back step 1. */
export function unlinkMailbox({ from, to }: Move): void {
  if (linkTarget(to) === posix.normalize(from)) unlinkSync(bytesOf(to));
}

/** Makes the names on both sides of `moves` durable, and removes directories that became empty below `userDir`. */
export async function syncMoves(moves: readonly Move[], userDir: string): Promise<void> {
  const top = posix.normalize(`${userDir}/`);
  const parents = new Set(moves.flatMap(({ from, to }) => [from, to]).map(parentOf));
  for (const parent of parents) if (!(await synced(parent))) parents.delete(parent);
  for (const parent of parents) removeEmpty(parent, top);
}

/** Where the link at `path` leads, relative to the home; undefined when it is no link. */
export function linkTarget(path: string): string | undefined {
  if (!lstatSync(bytesOf(path), { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const target = textOf(readlinkSync(bytesOf(path), { encoding: 'buffer' }));
  return target.startsWith('/') ? undefined : posix.join(posix.dirname(path), target);
}

function isDirectory(path: string): boolean {
  return lstatSync(bytesOf(path), { throwIfNoEntry: false })?.isDirectory() === true;
}

function parentOf(path: string): string {
  return posix.dirname(posix.normalize(path));
}

async function synced(directory: string): Promise<boolean> {
  if (!isDirectory(directory)) return false;
  await fsyncDir(bytesOf(directory));
  // A new level is an entry of the level above.
  if (directory !== '.') await fsyncDir(bytesOf(posix.dirname(directory)));
  return true;
}

/** rmdir(2) takes only what is empty. */
function removeEmpty(directory: string, top: string): void {
  if (!`${directory}/`.startsWith(top) || `${directory}/` === top) return;
  try {
    rmdirSync(bytesOf(directory));
  } catch {
    return;
  }
  removeEmpty(posix.dirname(directory), top);
}
