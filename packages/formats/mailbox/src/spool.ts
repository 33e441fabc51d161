// A message on its way in: a file in tmp of which nobody else knows. A crash leaves it there; it is garbage after 36 hours.

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  openSync,
  unlinkSync,
} from 'node:fs';
import { faultOf } from '@q/fault';
import { fsyncFd, readFd, writeFullySync } from '@q/fsx';
import { SPOOL_GATHER } from './limits.ts';
import type { Spool } from './model.ts';
import { type FreshName, freshName } from './name.ts';

/** A spool whose bytes are on disk. */
export interface Settled {
  readonly path: string;
  /** The name it is to have in cur, without flags. */
  readonly base: string;
  readonly size: number;
}

export class SpoolFile implements Spool {
  readonly #path: string;
  readonly #name: FreshName;
  #fd: number | undefined;
  #gathered: Buffer[] = [];
  #held = 0;
  #size = 0;
  #isThere = true;

  /** Throws a fault. */
  constructor(dir: string, mode: number) {
    this.#name = freshName();
    this.#path = `${dir}/tmp/${this.#name.tmp}`;
    try {
      this.#fd = openSync(
        this.#path,
        constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
        mode,
      );
      fchmodSync(this.#fd, mode);
    } catch (error) {
      throw faultOf(error, 'unable to write message');
    }
  }

  get size(): number {
    return this.#size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    if (this.#held + bytes.length > SPOOL_GATHER) this.#flush();
    if (bytes.length >= SPOOL_GATHER) this.#put(bytes);
    else {
      this.#gathered.push(Buffer.from(bytes));
      this.#held += bytes.length;
    }
  }

  async *read(start: number, end: number): AsyncIterable<Buffer> {
    this.#flush();
    const piece = Buffer.allocUnsafe(Math.min(SPOOL_GATHER, Math.max(end - start, 0)));
    for (let at = start; at < end; ) {
      const n = await readFd(this.#open, piece, 0, Math.min(piece.length, end - at), at);
      if (n === 0) return;
      yield piece.subarray(0, n);
      at += n;
    }
  }

  /** Makes the bytes durable, with the time (milliseconds), and closes the file. Throws a fault. */
  async settle(time: number | undefined): Promise<Settled> {
    this.#flush();
    const fd = this.#open;
    try {
      if (time !== undefined) futimesSync(fd, time / 1000, time / 1000);
      await fsyncFd(fd);
      const stats = fstatSync(fd, { bigint: true });
      this.#fd = undefined;
      closeSync(fd);
      return { path: this.#path, base: this.#name.base(stats), size: this.#size };
    } catch (error) {
      throw faultOf(error, 'unable to write message');
    }
  }

  async discard(): Promise<void> {
    this.discardNow();
  }

  /** discard(), at once. */
  discardNow(): void {
    if (this.#fd !== undefined) {
      try {
        closeSync(this.#fd);
      } catch {
        // What was not written is not wanted.
      }
      this.#fd = undefined;
    }
    this.#gathered = [];
    if (!this.#isThere) return;
    this.#isThere = false;
    try {
      unlinkSync(this.#path);
    } catch {
      // Gone with its folder, or garbage in tmp.
    }
  }

  get #open(): number {
    if (this.#fd === undefined) throw new Error('the spool is closed');
    return this.#fd;
  }

  #flush(): void {
    if (this.#held === 0) return;
    const bytes = Buffer.concat(this.#gathered, this.#held);
    this.#gathered = [];
    this.#held = 0;
    this.#put(bytes);
  }

  #put(bytes: Uint8Array): void {
    try {
      writeFullySync(this.#open, bytes);
    } catch (error) {
      throw faultOf(error, 'unable to write message');
    }
  }
}
