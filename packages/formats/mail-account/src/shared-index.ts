// The index of Maildirs whose owners may share folders: IMAP_SHAREDINDEXFILE, which Courier's tools write.
//
//     bob TAB 1000 TAB 1000 TAB /home/mail/bob
//     ann TAB 1000 TAB 1000 TAB /home/mail/ann TAB Mail        a Maildir relative to the home, if not ./Maildir
//     Sales TAB * TAB index.sales                              accounts one level below, in a file beside this one
//
// What follows a "#" is a comment. Names are UTF-8. In names of mailboxes "." and "/" cannot stand for themselves: they
// are spaces, or with IMAP_SHAREDMUNGENAMES "\:" and "\;", and "\" is "\\".

import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type FolderPath, parsePath } from './folder-path.ts';
import { INDEX_DEPTH, INDEX_MAX } from './limits.ts';
import { Remembered } from './remembered.ts';
import { linesOf, readText } from './small-file.ts';

export interface SharedAccount {
  /** Levels below the namespace's prefix. */
  readonly path: FolderPath;
  /** As it stands in the index: the login name. */
  readonly user: string;
  /** The Maildir, absolute. */
  readonly root: string;
}

interface IndexEntry {
  readonly level: string;
  readonly user: string;
  readonly root?: string;
  readonly index?: string;
}

export class SharedIndex {
  readonly #file: string;
  readonly #munged: boolean;
  /** Looking into oneself as another would be confusing, and two places for one folder. */
  readonly #own: string;
  readonly #indexes = new Map<string, Remembered<readonly IndexEntry[]>>();

  /** `file` is absolute; `own`: the Maildir that is left out; `munged`: IMAP_SHAREDMUNGENAMES. */
  constructor(file: string, own: string, munged: boolean) {
    this.#file = file;
    this.#own = own;
    this.#munged = munged;
  }

  /** The account that `path` leads into, and the folder's path there. Undefined when there is none that can be reached. */
  find(
    path: FolderPath,
  ): { readonly account: SharedAccount; readonly path: FolderPath } | undefined {
    let file = this.#file;
    const seen = new Set<string>();
    for (const [depth, level] of path.slice(0, INDEX_DEPTH).entries()) {
      if (seen.has(file)) return undefined;
      seen.add(file);
      const entry = this.#entries(file).find((one) => one.level === level);
      if (entry?.root !== undefined) {
        if (!this.#isOthers(entry.root)) return undefined;
        const account = { path: path.slice(0, depth + 1), user: entry.user, root: entry.root };
        return { account, path: path.slice(depth + 1) };
      }
      if (entry?.index === undefined) return undefined;
      file = entry.index;
    }
    return undefined;
  }

  /** Every account that can be reached. A group that leads into itself ends there. */
  *accounts(
    file = this.#file,
    above: FolderPath = [],
    files: readonly string[] = [],
  ): Generator<SharedAccount> {
    if (above.length >= INDEX_DEPTH || files.includes(file)) return;
    for (const { level, user, root, index } of this.#entries(file)) {
      const path = [...above, level];
      if (root !== undefined && this.#isOthers(root)) yield { path, user, root };
      if (index !== undefined) yield* this.accounts(index, path, [...files, file]);
    }
  }

  /** A file that cannot be read has none: other servers may have it. */
  #entries(file: string): readonly IndexEntry[] {
    let known = this.#indexes.get(file);
    if (known === undefined) {
      known = new Remembered(file, (path) => this.#read(path));
      this.#indexes.set(file, known);
    }
    try {
      return known.get();
    } catch {
      return [];
    }
  }

  #read(file: string): readonly IndexEntry[] {
    const text = readText(file, INDEX_MAX, true) ?? '';
    const seen = new Map<string, IndexEntry>();
    for (const line of linesOf(text)) {
      const entry = this.#decode(file, line.replace(/#.*$/s, ''));
      if (entry !== undefined && !seen.has(entry.level)) seen.set(entry.level, entry);
    }
    return [...seen.values()];
  }

  #decode(file: string, line: string): IndexEntry | undefined {
    const [user = '', uid = '', gid = '', home = '', maildir = ''] = line.split('\t');
    const level = this.#levelOf(user);
    if (level === undefined) return undefined;
    if (uid.startsWith('*'))
      return gid === '' ? undefined : { level, user, index: join(dirname(file), gid) };
    const isAccount = /^[1-9][0-9]*$/.test(uid) && /^[1-9][0-9]*$/.test(gid);
    if (!isAccount || !home.startsWith('/')) return undefined;
    return { level, user, root: resolve(home, maildir === '' ? 'Maildir' : maildir) };
  }

  #levelOf(user: string): string | undefined {
    const escapes: Record<string, string> = { '.': '\\:', '/': '\\;', '\\': '\\\\' };
    const level = this.#munged
      ? user.replace(/[./\\]/g, (character) => escapes[character] as string)
      : user.replace(/[./]/g, ' ');
    try {
      return parsePath(level, '.')[0];
    } catch {
      return undefined;
    }
  }

  #isOthers(root: string): boolean {
    try {
      const [theirs, ours] = [root, this.#own].map((path) => statSync(path, { bigint: true }));
      return theirs?.ino !== ours?.ino || theirs?.dev !== ours?.dev;
    } catch {
      return false;
    }
  }
}
