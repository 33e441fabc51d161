// Where the access lists of a Maildir's folders are.
//
//     courierimapacl                     INBOX
//     .Arch.2026/courierimapacl          the folder's
//     courierimaphieracl/Arch            of a level that is no folder itself; the name in modified UTF-7
//
// A folder without one has that of the level above. Courier writes it down for the folder when it looks there the first
// time; so here too, before the list above is changed: what was given to nobody must not come to others by itself.

import { lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '@q/bytes';
import { errnoOf, faultOf } from '@q/fault';
import { unlinkIfThere, writeFileAtomic } from '@q/fsx';
import { DEFAULT_ACL, decodeAcl, encodeAcl } from './acl-entries.ts';
import { directoryOf, type FolderPath } from './folder-path.ts';
import { ACL_MAX, UNUSED_LIST_AGE } from './limits.ts';
import type { AclEntry } from './model.ts';
import { NameFault } from './name-fault.ts';
import { readSmallFile } from './small-file.ts';
import type { Tree } from './tree.ts';

export const ACL_FILE = 'courierimapacl';
const LEVELS = 'courierimaphieracl';
/** Courier's; the directory says who may read it. */
const MODE = 0o644;

export class AclStore {
  readonly #tree: Tree;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** The list that counts for `path`. Throws a fault. */
  read(path: FolderPath): readonly AclEntry[] {
    for (let levels = path; levels.length > 0; levels = levels.slice(0, -1)) {
      const text = this.#readOwn(levels);
      if (text !== undefined) return decodeAcl(text);
    }
    const text = readList(join(this.#tree.root, ACL_FILE));
    return text === undefined ? DEFAULT_ACL : decodeAcl(text);
  }

  /** To be called under the account's lock, as those below. Throws a fault; NameFault LIMIT for more than can be read again. */
  async write(path: FolderPath, entries: readonly AclEntry[]): Promise<void> {
    if (encodeAcl(entries).length > ACL_MAX) throw new NameFault('LIMIT', 'Access list too long');
    await this.#keepBelow(path);
    await this.#writeOwn(path, entries);
  }

  /** The list of a level that is no folder goes where the level goes. Throws a fault. */
  moveLevel(from: FolderPath, to: FolderPath): void {
    const [old, fresh] = [this.#levelFile(from), this.#levelFile(to)];
    if (old === undefined || fresh === undefined) return;
    try {
      renameSync(old, fresh);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw faultOf(error, 'unable to rename an access list');
    }
  }

  /** Nobody who makes a folder of this name later is to find the list of the one that was. Throws a fault. */
  async forgetLevel(path: FolderPath): Promise<void> {
    const file = this.#levelFile(path);
    if (file === undefined) return;
    await unlinkIfThere(file).catch((error) => {
      if (errnoOf(error) !== 'ENOTDIR') throw faultOf(error, 'unable to remove an access list');
    });
  }

  /** Removes lists of levels that have had no folder below them for an hour; one may be on its way. Throws a fault. */
  async forgetUnused(now: number): Promise<void> {
    const dir = join(this.#tree.root, LEVELS);
    const names = readdirQuietly(dir);
    if (names.length === 0) return;
    const used = new Set<string>();
    for (const { path } of await this.#tree.folders())
      for (let length = 1; length < path.length; length++)
        used.add(path.slice(0, length).join('.'));
    for (const name of names) {
      const level = decodeModifiedUtf7(name) ?? name;
      if (used.has(level)) continue;
      const stats = lstatSync(join(dir, name), { throwIfNoEntry: false });
      if (stats?.isFile() === true && now - stats.mtimeMs > UNUSED_LIST_AGE)
        await unlinkIfThere(join(dir, name));
    }
  }

  #readOwn(path: FolderPath): string | undefined {
    const text = readList(this.#folderFile(path));
    if (text !== undefined) return text;
    const file = this.#levelFile(path);
    return file && readList(file);
  }

  async #writeOwn(path: FolderPath, entries: readonly AclEntry[]): Promise<void> {
    const isFolder = path.length === 0 || this.#tree.isFolder(this.#tree.directoryFor(path));
    const file = isFolder ? this.#folderFile(path) : this.#levelFile(path);
    if (file === undefined) throw faultOf(undefined, 'unable to name an access list');
    try {
      if (!isFolder) mkdirSync(join(this.#tree.root, LEVELS), { recursive: true, mode: 0o755 });
      await writeFileAtomic(file, encodeAcl(entries), { mode: MODE });
    } catch (error) {
      throw faultOf(error, 'unable to write an access list');
    }
  }

  /** Folders below that have no list of their own keep the one that counts for them now. */
  async #keepBelow(path: FolderPath): Promise<void> {
    const above = directoryOf(path);
    for (const { path: below } of await this.#tree.folders()) {
      if (!directoryOf(below).startsWith(`${above}.`) || this.#readOwn(below) !== undefined)
        continue;
      await this.#writeOwn(below, this.read(below));
    }
  }

  #folderFile(path: FolderPath): string {
    return join(this.#tree.root, this.#tree.directoryFor(path), ACL_FILE);
  }

  #levelFile(path: FolderPath): string | undefined {
    const name = encodeModifiedUtf7(path.join('.'));
    if (name === undefined || path.length === 0 || name.length > 255) return undefined;
    return join(this.#tree.root, LEVELS, name);
  }
}

/** Few folders have one, and each command that changes something asks: an error that is thrown costs more than a look. */
function readList(file: string): string | undefined {
  return isAbsent(file) ? undefined : readSmallFile(file, ACL_MAX);
}

function isAbsent(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined;
  } catch {
    // Opening it will tell.
    return false;
  }
}

function readdirQuietly(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw faultOf(error, 'unable to read access lists');
  }
}
