// fsync of directories. Shared (group commit): everybody who asks while one is running waits for the same
// next one. Many messages at once then cost a few directory syncs, not several each. Or at once, by who is alone.

import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { fsyncDir, type Path } from './fd.ts';

export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();
  readonly #sync: (path: string) => Promise<void>;

  constructor(sync: (path: string) => Promise<void> = fsyncDir) {
    this.#sync = sync;
  }

  /** Resolves when every name put into `path` before the call is durable. */
  sync(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (running === undefined) return this.#start(path);
    // The running one may have begun before the caller's change: it proves nothing.
    let next = this.#next.get(path);
    if (next === undefined) {
      const start = () => {
        this.#next.delete(path);
        return this.#start(path);
      };
      next = running.then(start, start);
      this.#next.set(path, next);
    }
    return next;
  }

  #start(path: string): Promise<void> {
    const done = this.#sync(path).finally(() => {
      if (this.#running.get(path) === done) this.#running.delete(path);
    });
    this.#running.set(path, done);
    return done;
  }
}

/** fsyncDir() without another thread: nobody else is served meanwhile. */
export function fsyncDirSync(path: Path): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
