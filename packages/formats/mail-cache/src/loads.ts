// Reads message files, a few at a time, each into a buffer that is used again.

import { closeSync, readSync } from 'node:fs';
import { readFd } from '@q/fsx';
import type { Folder, FolderMessage } from '@q/mailbox';
import { type ByteSource, bufferSource, fileSource } from '@q/mime';
import { LOADS_MAX, WHOLE_MAX } from './limits.ts';

/** An open message file. */
export interface OpenFile {
  /** Bytes on disk. */
  readonly size: number;
  /** INTERNALDATE in milliseconds. */
  readonly time: number;
  /** All of its bytes in order, once; a piece holds until the next is asked for. */
  pieces(): AsyncIterable<Buffer> | Iterable<Buffer>;
  /** Ranges of it. Holds until the file is let go. */
  readonly source: ByteSource;
}

export class Loads {
  readonly #folder: Pick<Folder, 'open'>;
  readonly #buffers: Buffer[] = [];
  readonly #reader = new WholeReader();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(folder: Pick<Folder, 'open'>) {
    this.#folder = folder;
  }

  /** What `work` makes of the message's file; undefined when the message is gone. Waits for its turn. */
  async read<T>(
    message: FolderMessage,
    work: (file: OpenFile) => Promise<T>,
  ): Promise<T | undefined> {
    if (this.#running >= LOADS_MAX) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#running++;
    try {
      const opened = await this.#folder.open(message);
      if (opened === undefined) return undefined;
      try {
        return await this.#withBuffer((buffer) => this.#readOpen(opened, buffer, work));
      } finally {
        closeSync(opened.fd);
      }
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** Gives the memory back. */
  forget(): void {
    this.#buffers.length = 0;
  }

  async #readOpen<T>(
    { fd, size, time }: { fd: number; size: number; time: number },
    buffer: Buffer,
    work: (file: OpenFile) => Promise<T>,
  ): Promise<T> {
    if (size > buffer.length)
      return work({ size, time, source: fileSource(fd), pieces: () => piecesOf(fd, buffer) });
    const length = await this.#reader.read(fd, buffer, size);
    const bytes = buffer.subarray(0, length);
    return work({ size: length, time, source: bufferSource(bytes), pieces: () => [bytes] });
  }

  async #withBuffer<T>(work: (buffer: Buffer) => Promise<T>): Promise<T> {
    const buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(WHOLE_MAX);
    try {
      return await work(buffer);
    } finally {
      this.#buffers.push(buffer);
    }
  }
}

/**
 * Reads a file that fits. From the page cache that is done faster at once than in another thread, by
 * tenths of a millisecond; but when the disk is waited for, several files are read while other sessions go on.
 */
class WholeReader {
  /** How many more are read in another thread. */
  #elsewhere = 0;

  /** `size`: of the file, as it was when it was opened; a message does not grow. */
  async read(fd: number, buffer: Buffer, size: number): Promise<number> {
    if (this.#elsewhere > 0) {
      this.#elsewhere--;
      return this.#readElsewhere(fd, buffer, size);
    }
    const began = performance.now();
    let at = 0;
    while (at < size) {
      const n = readSync(fd, buffer, at, size - at, at);
      if (n === 0) break;
      at += n;
    }
    if (performance.now() - began > SLOW) this.#elsewhere = FILES_ELSEWHERE;
    return at;
  }

  async #readElsewhere(fd: number, buffer: Buffer, size: number): Promise<number> {
    let at = 0;
    while (at < size) {
      const n = await readFd(fd, buffer, at, size - at, at);
      if (n === 0) break;
      at += n;
    }
    return at;
  }
}

/** Milliseconds that a file in the page cache never takes. */
const SLOW = 2;
const FILES_ELSEWHERE = 200;

async function* piecesOf(fd: number, buffer: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; ; ) {
    const n = await readFd(fd, buffer, 0, buffer.length, at);
    if (n === 0) return;
    at += n;
    yield buffer.subarray(0, n);
  }
}
