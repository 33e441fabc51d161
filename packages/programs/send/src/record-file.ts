// Reads a queue file record by record, whatever its size, in one buffer. Synchronous: qmail-send reads a
// few kilobytes at a time from the page cache, between two deliveries.

import { closeSync, openSync, readSync } from 'node:fs';
import { type QueueRecord, RecordDecoder } from '@q/queue-files';
import { READ_CHUNK } from './limits.ts';

export class RecordFile {
  readonly #fd: number;
  readonly #decoder = new RecordDecoder();
  readonly #buffer = Buffer.allocUnsafe(READ_CHUNK);
  #records: QueueRecord[] = [];
  #next = 0;
  #open = true;

  /** Throws the system error when the file cannot be opened. */
  constructor(path: string) {
    this.#fd = openSync(path, 'r');
  }

  /**
   * The next record, which stays the next one; undefined at the end of the file, where a record that was
   * never finished does not count. Throws the system error, or Temporary for a record without end.
   */
  peek(): QueueRecord | undefined {
    while (this.#next === this.#records.length) {
      const n = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
      if (n === 0) return undefined;
      this.#records = this.#decoder.push(this.#buffer.subarray(0, n));
      this.#next = 0;
    }
    return this.#records[this.#next];
  }

  /** As peek, and goes on to the one after it. */
  next(): QueueRecord | undefined {
    const record = this.peek();
    if (record !== undefined) this.#next++;
    return record;
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}
