// Which directories of a Maildir++ are folders, and by which path: the rules at the head of folder-path.ts, applied to
// all of them at once.
//
// The Maildir is read again when its times say that something changed there. Each delivery that writes maildirsize
// anew does that, so it is asked for only by who needs it: LIST, and names that may have another directory than the
// obvious one.

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { faultOf } from '@q/fault';
import {
  directoryOf,
  type FolderPath,
  literalPath,
  oldDirectoryOf,
  pathOfDirectory,
  unusedDirectoryOf,
} from './folder-path.ts';
import { LOOK_BATCH } from './limits.ts';
import { Remembered } from './remembered.ts';

/** Directories by path, whose levels are joined by ".". */
type Directories = ReadonlyMap<string, string>;

export interface TreeFolder {
  readonly path: FolderPath;
  /** The directory's name in the Maildir. */
  readonly directory: string;
}

/** The folders of one Maildir. */
export class Tree {
  readonly root: string;
  readonly #directories: Remembered<Directories>;

  constructor(root: string) {
    this.root = root;
    this.#directories = new Remembered(root, readDirectories);
  }

  /** The directory's name for `path`, of the folder that is there or else for one to be made. Throws a fault. */
  directoryFor(path: FolderPath): string {
    if (path.length === 0) return '';
    const usual = directoryOf(path);
    const isPlain = /^[\x20-\x7e]*$/.test(usual) && !usual.includes('&');
    if (isPlain || (!usual.includes('&') && this.#isDirectory(usual))) return usual;
    return this.directories().get(path.join('.')) ?? unusedDirectoryOf(path);
  }

  /** Whether the folder is there: a directory, no link to one, with what makes it a Maildir. '' is INBOX. */
  isFolder(directory: string): boolean {
    // The Maildir itself may be reached by a link: whoever made that says where the mail is.
    const isHere = directory === '' || this.#isDirectory(directory);
    return isHere && this.#isDirectory(join(directory, 'cur'));
  }

  /** Every directory that has a name as a folder, whether it is one or not. Throws a fault. */
  directories(): Directories {
    return this.#directories.get();
  }

  /** Every folder but INBOX, in no order. Throws a fault. */
  async folders(): Promise<readonly TreeFolder[]> {
    const found: TreeFolder[] = [];
    let looks = 0;
    for (const [key, directory] of this.directories()) {
      if (this.#isDirectory(join(directory, 'cur')))
        found.push({ path: key.split('.'), directory });
      if (++looks % LOOK_BATCH === 0) await nextTurn();
    }
    return found;
  }

  #isDirectory(name: string): boolean {
    try {
      return lstatSync(join(this.root, name), { throwIfNoEntry: false })?.isDirectory() === true;
    } catch (error) {
      throw faultOf(error, `unable to stat a folder of ${this.root}`);
    }
  }
}

function readDirectories(root: string): Directories {
  try {
    const entries = readdirSync(root, { withFileTypes: true });
    const names = entries
      .filter((entry) => entry.name.startsWith('.') && entry.isDirectory())
      .map((entry) => entry.name);
    return assignPaths(names);
  } catch (error) {
    throw faultOf(error, `unable to read ${root}`);
  }
}

/** Each directory's path; those that are none, or whose path another one has, are left out. */
export function assignPaths(directories: readonly string[]): Map<string, string> {
  const assigned = new Map<string, string>();
  const old: string[] = [];
  const others: string[] = [];
  const take = (path: FolderPath, directory: string) => {
    const key = path.join('.');
    if (key === '' || assigned.has(key)) return false;
    assigned.set(key, directory);
    return true;
  };
  for (const directory of [...directories].sort()) {
    const path = pathOfDirectory(directory);
    if (directory === directoryOf(path)) take(path, directory);
    else if (directory === oldDirectoryOf(path)) old.push(directory);
    else others.push(directory);
  }
  for (const directory of old) {
    if (!take(pathOfDirectory(directory), directory)) take(literalPath(directory), directory);
  }
  for (const directory of others) take(pathOfDirectory(directory), directory);
  return assigned;
}
