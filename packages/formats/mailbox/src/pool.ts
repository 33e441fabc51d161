// The folders that are open in a process: one object a directory, shared by all its sessions; those that nobody has open
// any more are kept for a while, as clients select the same few again and again.

import { type Stats, statSync } from 'node:fs';
import { errnoOf, faultOf } from '@q/fault';
import { isMaildir } from '@q/maildir';
import { FolderFault } from './fault.ts';
import { MaildirFolder } from './folder.ts';
import { type Identity, identityOf, isSame } from './identity.ts';
import type { FolderOptions } from './inside.ts';
import { WARM_FOLDERS, WARM_MESSAGES } from './limits.ts';
import { loadFolder } from './load.ts';
import type { Folder } from './model.ts';

interface Entry {
  readonly opening: Promise<MaildirFolder>;
  /** Of the directory: another in its place is another folder. */
  readonly identity: Identity;
  folder: MaildirFolder | undefined;
  users: number;
}

export class FolderPool {
  /** By directory; those nobody has open stand in the order in which they were released. */
  readonly #entries = new Map<string, Entry>();
  /** Also those that were forgotten while they were open. */
  readonly #byFolder = new Map<Folder, Entry>();
  readonly #warmFolders: number;
  readonly #warmMessages: number;

  constructor(warm: { readonly folders?: number; readonly messages?: number } = {}) {
    this.#warmFolders = warm.folders ?? WARM_FOLDERS;
    this.#warmMessages = warm.messages ?? WARM_MESSAGES;
  }

  /**
   * The folder in `dir`, an absolute path. The options are those of whoever opens it first. To be released as often as it
   * was opened. Throws FolderFault NONEXISTENT when there is no Maildir, and Temporary for other trouble.
   */
  async open(dir: string, options: FolderOptions): Promise<Folder> {
    const stats = await this.#maildirAt(dir);
    let entry = this.#entries.get(dir);
    if (
      entry !== undefined &&
      (!isSame(entry.identity, identityOf(stats)) || entry.folder?.isGone === true)
    ) {
      this.forget(dir);
      entry = undefined;
    }
    entry ??= this.#begin(dir, stats, options);
    entry.users++;
    try {
      const folder = await entry.opening;
      // No longer among those that wait in a row.
      if (this.#entries.get(dir) === entry) {
        this.#entries.delete(dir);
        this.#entries.set(dir, entry);
      }
      return folder;
    } catch (error) {
      entry.users--;
      if (this.#entries.get(dir) === entry) this.#entries.delete(dir);
      throw error;
    }
  }

  release(folder: Folder): void {
    const entry = this.#byFolder.get(folder);
    if (entry === undefined || entry.users === 0) return;
    entry.users--;
    if (entry.users > 0) return;
    entry.folder?.endWatch();
    if (this.#entries.get(folder.dir) === entry && entry.folder?.isGone !== true) {
      this.#entries.delete(folder.dir);
      this.#entries.set(folder.dir, entry);
      this.#shrink();
    } else this.#drop(folder.dir, entry);
  }

  /** Anything may have happened to the folder: who opens it next reads it anew. */
  forget(dir: string): void {
    const entry = this.#entries.get(dir);
    if (entry === undefined) return;
    this.#entries.delete(dir);
    if (entry.users === 0 && entry.folder !== undefined) this.#byFolder.delete(entry.folder);
  }

  /** The folder was removed: who has it open finds that at once, whatever is in its place. */
  removed(dir: string): void {
    this.#entries.get(dir)?.folder?.removed();
    this.forget(dir);
  }

  /** The folder was renamed: who has it open goes on with it. */
  moved(from: string, to: string): void {
    const entry = this.#entries.get(from);
    this.forget(to);
    if (entry === undefined) return;
    this.#entries.delete(from);
    this.#entries.set(to, entry);
    entry.folder?.movedTo(to);
  }

  async #maildirAt(dir: string): Promise<Stats> {
    try {
      const stats = statSync(dir);
      if (await isMaildir(dir)) return stats;
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(errnoOf(error) ?? ''))
        throw faultOf(error, 'unable to open mailbox');
    }
    this.forget(dir);
    throw new FolderFault('NONEXISTENT', 'there is no such mailbox');
  }

  #begin(dir: string, stats: Stats, options: FolderOptions): Entry {
    const opening = loadFolder(dir, stats, options).then(
      (inside) => {
        const folder = new MaildirFolder(inside);
        entry.folder = folder;
        this.#byFolder.set(folder, entry);
        return folder;
      },
      (error: unknown) => {
        throw faultOf(error, 'unable to open mailbox');
      },
    );
    const entry: Entry = { opening, identity: identityOf(stats), folder: undefined, users: 0 };
    this.#entries.set(dir, entry);
    return entry;
  }

  /** Lets go of those that were released longest ago. */
  #shrink(): void {
    const idle = [...this.#entries].filter(([, { users }]) => users === 0).reverse();
    let messages = 0;
    for (const [place, [dir, entry]] of idle.entries()) {
      messages += entry.folder?.messages.length ?? 0;
      if (place >= this.#warmFolders || messages > this.#warmMessages) this.#drop(dir, entry);
    }
  }

  #drop(dir: string, entry: Entry): void {
    if (this.#entries.get(dir) === entry) this.#entries.delete(dir);
    if (entry.folder !== undefined) this.#byFolder.delete(entry.folder);
  }
}
