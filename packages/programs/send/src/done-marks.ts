// Marks recipients of one channel file as done: "D" written over their "T", in place.
//
// qmail leaves these marks to the page cache: they outlive kill -9, but a power failure repeats the
// deliveries of the last half minute. Here an fsync follows the marks, not waited for, at most one in MARK_DELAY
// for a file and none for a file that is about to be unlinked. A power failure then repeats what was
// delivered in the last moment; no delivery ever waits for the disk because of it.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { fsyncFd } from '@q/fsx';
import { DONE_MARK } from '@q/queue-files';
import { MARK_DELAY } from './limits.ts';

export class DoneMarks {
  readonly #path: string;
  #fd: number | undefined;
  #syncing = false;
  #dirty = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws the system error. `offset` is that of the record's type byte. */
  mark(offset: number): void {
    this.#fd ??= openSync(this.#path, constants.O_WRONLY);
    writeSync(this.#fd, DONE_MARK, 0, DONE_MARK.length, offset);
    this.#dirty = true;
  }

  /** The file stays for now: what was marked is to reach the disk soon. */
  sync(): void {
    if (this.#syncing || !this.#dirty) return;
    this.#timer ??= setTimeout(() => this.#syncNow(), MARK_DELAY);
  }

  #syncNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#fd === undefined) return;
    this.#syncing = true;
    this.#dirty = false;
    const next = () => {
      this.#syncing = false;
      if (this.#closed) this.#finish();
      else this.sync();
    };
    // A failed fsync costs at most a second delivery; there is nobody to tell who could do better.
    fsyncFd(this.#fd).then(next, next);
  }

  /** No more marks. What is asked for already is synced first. */
  close(): void {
    this.#closed = true;
    if (!this.#syncing) this.#finish();
  }

  #finish(): void {
    if (this.#timer !== undefined) this.#syncNow();
    else this.#release();
  }

  #release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
