// Tells sessions when there is something to look at. inotify is told of nothing that another host does on NFS, and has
// limits; so the disk is also looked at now and then. Nothing is open while nobody watches.

import { type FSWatcher, watch } from 'node:fs';
import type { Inside } from './inside.ts';
import { keywordPath } from './keyword-files.ts';
import { GATHER_MS, POLL_MS } from './limits.ts';

export class FolderWatch {
  readonly #folder: Inside;
  readonly #heard = new Set<() => void>();
  /** By what is watched; some may not be there yet. */
  readonly #watchers = new Map<'new' | 'cur' | 'keywords', FSWatcher>();
  #gathering: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #stamps = '';

  constructor(folder: Inside) {
    this.#folder = folder;
    folder.onChange = () => this.tell();
  }

  add(heard: () => void): () => void {
    // Another object for each call: a function may watch twice, and end once.
    const each = () => heard();
    this.#heard.add(each);
    if (this.#heard.size === 1) this.#begin();
    return () => {
      this.#heard.delete(each);
      if (this.#heard.size === 0) this.end();
    };
  }

  /** Something changed: all hear of it soon, once. */
  tell(): void {
    if (this.#heard.size === 0 || this.#gathering !== undefined) return;
    this.#gathering = setTimeout(() => this.#call(), GATHER_MS);
    this.#gathering.unref();
  }

  end(): void {
    this.#heard.clear();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    clearTimeout(this.#gathering);
    clearInterval(this.#poll);
    this.#gathering = undefined;
    this.#poll = undefined;
  }

  /** A refresh found nothing to do because what changed may have been our own doing: it is to be looked at again. */
  lookAgainIn(milliseconds: number): void {
    if (this.#heard.size === 0 || this.#gathering !== undefined) return;
    this.#gathering = setTimeout(() => this.#call(), milliseconds + 1);
    this.#gathering.unref();
  }

  #call(): void {
    this.#gathering = undefined;
    this.#watchAll();
    for (const heard of [...this.#heard]) heard();
  }

  #begin(): void {
    this.#watchAll();
    this.#stamps = this.#look();
    this.#poll = setInterval(() => this.#pollNow(), this.#folder.options.pollMs ?? POLL_MS);
    this.#poll.unref();
  }

  #watchAll(): void {
    const { newPath, curPath, dir } = this.#folder;
    this.#watch('new', newPath);
    this.#watch('cur', curPath);
    this.#watch('keywords', keywordPath(dir));
  }

  #watch(what: 'new' | 'cur' | 'keywords', path: string): void {
    if (this.#watchers.has(what)) return;
    try {
      // Names are not looked at: latin1 takes any.
      const watcher = watch(path, { encoding: 'latin1' as BufferEncoding, persistent: false });
      watcher.on('change', () => this.tell());
      watcher.on('error', () => watcher.close());
      this.#watchers.set(what, watcher);
    } catch {
      // Not there, or one watch too many for the system: the poll remains.
    }
  }

  #pollNow(): void {
    const stamps = this.#look();
    if (stamps === this.#stamps) return;
    this.#stamps = stamps;
    this.tell();
  }

  #look(): string {
    const { cur, new: fresh, keywordDir, curPath, newPath, dir } = this.#folder;
    try {
      const paths = [cur.look(curPath), fresh.look(newPath), keywordDir.look(keywordPath(dir))];
      return paths.map(({ stamp }) => stamp).join();
    } catch {
      return 'unreadable';
    }
  }
}
