// Folders are made, removed and renamed by one rename(2) each, so that none is ever seen half made or half removed.
//
//   make      tmp/NAME.made is filled, then renamed to its place        crash before: swept away some time
//   remove    renamed to tmp/NAME.removed, then emptied and removed     crash before: there whole; after: swept away
//   rename    those below first, then the folder itself                 crash between: the folder still has its old name,
//             and so has what is left below it: the same command again brings the rest after. Nothing is lost.
//
// Courier and Dovecot look for folders only among names with a dot, directly in the Maildir, so they see none in tmp.

import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, faultOf } from '@q/fault';
import { closeFd, createExclusive, fsyncDir, fsyncFd, isThere, writeFully } from '@q/fsx';
import { makeMaildir, uniqueName } from '@q/maildir';
import { LEFT_OVER_AGE } from './limits.ts';
import { NameFault } from './name-fault.ts';

const MADE = '.made';
const REMOVED = '.removed';

/**
 * Makes the folder `directory` in the Maildir `root`, with `files` in it by name. Throws NameFault ALREADYEXISTS when
 * there is something of that name, or a fault.
 */
export async function makeFolder(
  root: string,
  directory: string,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<void> {
  const made = join(root, 'tmp', uniqueName() + MADE);
  let begun = false;
  try {
    await makeMaildir(made);
    // What tells a folder from a Maildir of its own: maildir(5), maildirmake(1).
    await writeNew(join(made, 'maildirfolder'), new Uint8Array());
    for (const [name, data] of files) await writeNew(join(made, name), data);
    await fsyncDir(made);
    await moveFolder(made, join(root, directory), () => {
      begun = true;
    });
    await fsyncDir(root);
  } catch (error) {
    // Also where the rename is said to have failed: it may be done.
    if (begun) await moveBack(join(root, directory), made);
    await removeHidden(made);
    if (error instanceof NameFault) throw error;
    throw faultOf(error, 'unable to make the mailbox');
  }
}

async function writeNew(path: string, data: Uint8Array): Promise<void> {
  const fd = await createExclusive(path, 0o600);
  try {
    await writeFully(fd, data);
    await fsyncFd(fd);
  } finally {
    await closeFd(fd);
  }
}

/** Takes the folder out of sight; durable. Gives where it is now, for removeHidden. Throws a fault. */
export async function hideFolder(root: string, directory: string): Promise<string> {
  const hidden = join(root, 'tmp', uniqueName() + REMOVED);
  try {
    await rename(join(root, directory), hidden);
    await fsyncDir(root);
  } catch (error) {
    // Who is told that it could not be removed finds it where it was.
    await moveBack(hidden, join(root, directory));
    if (errnoOf(error) === 'ENOENT') throw new NameFault('NONEXISTENT', 'No such mailbox');
    throw faultOf(error, 'unable to remove the mailbox');
  }
  return hidden;
}

/** A folder that was hidden is where it was, as far as it can be done. Never throws. */
export async function bringBack(hidden: string, root: string, directory: string): Promise<void> {
  await moveBack(hidden, join(root, directory));
  await fsyncDir(root).catch(() => {});
}

/** What cannot be removed now is swept away later. Never throws. */
export async function removeHidden(hidden: string): Promise<void> {
  await rm(hidden, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
}

/** Renames directories in the order given, all or none; `moves` hold names in `root`. Throws NameFault or a fault. */
export async function renameFolders(
  root: string,
  moves: readonly (readonly [from: string, to: string])[],
): Promise<void> {
  const begun: (readonly [from: string, to: string])[] = [];
  try {
    for (const [from, to] of moves)
      await moveFolder(join(root, from), join(root, to), () => begun.push([from, to]));
  } catch (error) {
    // Also the last one: a rename may be done although it is said to have failed.
    for (const [from, to] of begun.reverse()) await moveBack(join(root, to), join(root, from));
    if (error instanceof NameFault) throw error;
    throw faultOf(error, 'unable to rename the mailbox');
  } finally {
    await fsyncDir(root).catch(() => {});
  }
}

/** rename(2), which would replace an empty directory. `begins` is called when `to` was free. */
async function moveFolder(from: string, to: string, begins: () => void = () => {}): Promise<void> {
  if (await isThere(to)) throw new NameFault('ALREADYEXISTS', 'Mailbox already exists');
  begins();
  await rename(from, to);
}

/** As far as it can be done: what stays under its new name is whole there. */
async function moveBack(from: string, to: string): Promise<void> {
  await moveFolder(from, to).catch(() => {});
}

/** Removes what a crash left of folders on their way. Never throws. */
export async function sweepFolders(root: string, now = Date.now()): Promise<void> {
  const tmp = join(root, 'tmp');
  const names = await readdir(tmp).catch(() => []);
  for (const name of names) {
    if (!name.endsWith(MADE) && !name.endsWith(REMOVED)) continue;
    const path = join(tmp, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isDirectory() === true && now - stats.ctimeMs > LEFT_OVER_AGE)
      await removeHidden(path);
  }
}
