// One Maildir with its folders, whoever's it is: what an account does, without names and without asking who may.

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { recordRemoved, scanMaildir, statEntrySync } from '@q/maildir';
import { encodeAcl } from './acl-entries.ts';
import { ACL_FILE, AclStore } from './acl-store.ts';
import { checkNewPath, directoryOf, type FolderPath, unusedDirectoryOf } from './folder-path.ts';
import { DIRECTORY_MAX } from './limits.ts';
import { bringBack, hideFolder, makeFolder, removeHidden, renameFolders } from './make-folder.ts';
import { NameFault } from './name-fault.ts';
import { SpecialUses } from './special-use.ts';
import { Tree } from './tree.ts';

/** The folder that maildirsize passes over: its directory. */
const UNCOUNTED = '.Trash';

export interface Move {
  readonly from: FolderPath;
  readonly to: FolderPath;
  /** Directories' names. */
  readonly fromDirectory: string;
  readonly toDirectory: string;
}

export class Home {
  readonly root: string;
  readonly tree: Tree;
  readonly acls: AclStore;
  readonly uses: SpecialUses;

  constructor(root: string) {
    this.root = root;
    this.tree = new Tree(root);
    this.acls = new AclStore(this.tree);
    this.uses = new SpecialUses(root);
  }

  has(path: FolderPath): boolean {
    return this.tree.isFolder(this.tree.directoryFor(path));
  }

  /** The folder's directory, which need not exist. */
  dirOf(path: FolderPath): string {
    return path.length === 0 ? this.root : join(this.root, this.tree.directoryFor(path));
  }

  /** Whether what is put there counts for the quota. */
  counts(path: FolderPath): boolean {
    return directoryOf(path) !== UNCOUNTED;
  }

  /** Under the lock, as those below. Throws NameFault, or a fault. `withAcl`: the folder keeps the list it inherits. */
  async create(path: FolderPath, uses: readonly string[], withAcl: boolean): Promise<void> {
    if (path.length === 0) throw new NameFault('ALREADYEXISTS', 'Mailbox already exists');
    checkNewPath(path);
    if (this.has(path)) throw new NameFault('ALREADYEXISTS', 'Mailbox already exists');
    const known = this.uses.check(path, uses, (key) => this.has(key.split('.')));
    const files = withAcl ? [[ACL_FILE, encodeAcl(this.acls.read(path))] as const] : [];
    await makeFolder(this.root, directoryOf(path), new Map(files));
    try {
      await this.acls.forgetLevel(path);
      await this.uses.assign(path, known);
    } catch (error) {
      // Who is told no finds no mailbox.
      await hideFolder(this.root, directoryOf(path)).then(removeHidden, () => {});
      throw error;
    }
  }

  /** Takes the folder out of sight. What is left to do, which may take long, needs no lock and never throws, is what it gives. */
  async remove(path: FolderPath): Promise<() => Promise<void>> {
    if (path.length === 0) throw new NameFault('CANNOT', 'INBOX cannot be removed');
    if (!this.has(path)) throw new NameFault('NONEXISTENT', 'No such mailbox');
    const directory = this.tree.directoryFor(path);
    const hidden = await hideFolder(this.root, directory);
    try {
      await this.uses.follow(new Map([[path.join('.'), undefined]]));
    } catch (error) {
      await bringBack(hidden, this.root, directory);
      throw error;
    }
    return async () => {
      if (this.counts(path)) await this.#recordGone(hidden);
      await removeHidden(hidden);
    };
  }

  /** What RENAME is to do, checked whole. Throws NameFault. */
  planMoves(from: FolderPath, to: FolderPath): readonly Move[] {
    if (from.length === 0 || to.length === 0)
      throw new NameFault('CANNOT', 'INBOX cannot be renamed so');
    const isSame = from.join('.') === to.join('.');
    if (!isSame && isBelow(to, from))
      throw new NameFault('CANNOT', 'A mailbox cannot be moved into itself');
    checkNewPath(to);
    const moves = this.#moves(from, to);
    if (moves.length === 0) throw new NameFault('NONEXISTENT', 'No such mailbox');
    if (moves.some(({ toDirectory }) => Buffer.byteLength(toDirectory) > DIRECTORY_MAX))
      throw new NameFault('LIMIT', 'The name of a mailbox below would be too long');
    if (isSame || moves.some((move) => this.has(move.to) || this.#isTaken(move)))
      throw new NameFault('ALREADYEXISTS', 'Mailbox already exists');
    return moves;
  }

  async rename(from: FolderPath, to: FolderPath, moves: readonly Move[]): Promise<void> {
    await renameFolders(
      this.root,
      moves.map(({ fromDirectory, toDirectory }) => [fromDirectory, toDirectory]),
    );
    try {
      this.acls.moveLevel(from, to);
      await this.uses.follow(new Map(moves.map((move) => [move.from.join('.'), move.to])));
    } catch (error) {
      await this.#moveBack(from, to, moves);
      throw error;
    }
  }

  /** Who was told no finds all under the old names, as far as it can be done. */
  async #moveBack(from: FolderPath, to: FolderPath, moves: readonly Move[]): Promise<void> {
    try {
      this.acls.moveLevel(to, from);
    } catch {
      // Access lists of levels that are no folders; the folders have their own with them.
    }
    const back = moves.map(
      ({ fromDirectory, toDirectory }) => [toDirectory, fromDirectory] as const,
    );
    await renameFolders(this.root, back.reverse()).catch(() => {});
  }

  /** The deepest first; see make-folder.ts. */
  #moves(from: FolderPath, to: FolderPath): Move[] {
    const moves: Move[] = [];
    for (const [key, fromDirectory] of this.tree.directories()) {
      const path = key.split('.');
      if (!isBelow(path, from) || !this.tree.isFolder(fromDirectory)) continue;
      const target = [...to, ...path.slice(from.length)];
      moves.push({ from: path, to: target, fromDirectory, toDirectory: unusedDirectoryOf(target) });
    }
    return moves.sort((a, b) => b.from.length - a.from.length);
  }

  /** By whatever: a link or a file is not renamed over either. */
  #isTaken({ toDirectory }: Move): boolean {
    return lstatSync(join(this.root, toDirectory), { throwIfNoEntry: false }) !== undefined;
  }

  async #recordGone(hidden: string): Promise<void> {
    try {
      const entries = await scanMaildir(hidden);
      const removed = entries.map((entry) => ({
        ...entry,
        bytes: entry.size ?? statEntrySync(hidden, entry)?.size ?? 0,
      }));
      recordRemoved(this.root, removed);
    } catch {
      // It counts for too much, until somebody would be refused for it: then all is counted anew.
    }
  }
}

/** The same or deeper. */
function isBelow(path: FolderPath, above: FolderPath): boolean {
  return above.every((level, index) => path[index] === level);
}
