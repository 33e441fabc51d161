// Reads a cdb (encoder.ts has the format) with pread and a few cached blocks, synchronously: a lookup is
// two or three reads of the page cache. An open Cdb goes on reading the file it opened when another is
// renamed over it.
//
// The file is not trusted: every offset and length is checked against the file's size, a probe sequence
// ends after all slots of its table, and nothing larger than the file is ever allocated. What cannot be
// true is Temporary ("damaged"), so that mail waits for a repair instead of bouncing.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { errnoOf, faultOf, Temporary } from '@q/fault';
import { stampAt, stampOf } from '@q/fsx';
import { HEADER_SIZE } from './encoder.ts';
import { cdbHash } from './hash.ts';
import { BLOCK_SIZE, BLOCKS_KEPT, CDB_SIZE_MAX } from './limits.ts';

/** Opens a cdb; undefined when there is no such file. Throws a fault when it cannot be opened or is no cdb. */
export function openCdb(path: string): Cdb | undefined {
  let fd: number;
  try {
    // O_NONBLOCK: a FIFO in the file's place must not hang us.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw faultOf(error, `unable to open ${path}`);
  }
  try {
    return new Cdb(path, fd);
  } catch (error) {
    closeSync(fd);
    throw faultOf(error, `unable to read ${path}`);
  }
}

/** An open cdb. Made by `openCdb`; to be closed. Returned buffers are copies. */
export class Cdb {
  readonly #path: string;
  readonly #fd: number;
  readonly #stamp: string;
  readonly #size: number;
  readonly #header: Buffer;
  readonly #blocks = new Map<number, Buffer>();
  #open = true;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile()) throw new Temporary(`${path} is not a regular file`);
    this.#stamp = stampOf(stats);
    this.#size = Number(stats.size);
    if (this.#size > CDB_SIZE_MAX) this.#size = CDB_SIZE_MAX;
    this.#header = this.#bytes(0, HEADER_SIZE);
  }

  /**
   * The data of the `nth` record (from 0) with this key, or undefined. A string is latin1 text. `hash` is
   * for tables whose writer computed another hash than cdb's.
   */
  get(key: Uint8Array | string, nth = 0, hash?: number): Buffer | undefined {
    const wanted = typeof key === 'string' ? bytesOf(key) : key;
    const h = hash ?? cdbHash(wanted);
    const table = this.#tableOf(h & 0xff);
    let left = nth;
    for (let probe = 0; probe < table.slots; probe++) {
      const slot = ((h >>> 8) + probe) % table.slots;
      const entry = this.#bytes(table.position + slot * 8, 8);
      const position = entry.readUInt32LE(4);
      if (position === 0) return undefined;
      if (entry.readUInt32LE(0) !== h) continue;
      const found = this.#record(position, this.#size);
      if (found.keyLength !== wanted.length) continue;
      if (!this.#bytes(found.keyPosition, found.keyLength).equals(wanted)) continue;
      if (left-- > 0) continue;
      return this.#bytes(found.keyPosition + found.keyLength, found.dataLength);
    }
    return undefined;
  }

  /** All records in the order they were written. */
  *entries(): Generator<[key: Buffer, data: Buffer]> {
    const end = this.#endOfRecords();
    for (let position = HEADER_SIZE; position < end; ) {
      const found = this.#record(position, end);
      const dataPosition = found.keyPosition + found.keyLength;
      position = dataPosition + found.dataLength;
      yield [
        this.#bytes(found.keyPosition, found.keyLength),
        this.#bytes(dataPosition, found.dataLength),
      ];
    }
  }

  /** True when the path no longer leads to this file as it was opened. */
  changed(): boolean {
    try {
      return stampAt(this.#path) !== this.#stamp;
    } catch (error) {
      throw faultOf(error, `unable to stat ${this.#path}`);
    }
  }

  /** Closing twice is harmless. */
  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
    this.#blocks.clear();
  }

  #tableOf(index: number): { position: number; slots: number } {
    const position = this.#header.readUInt32LE(index * 8);
    const slots = this.#header.readUInt32LE(index * 8 + 4);
    if (slots > 0 && (position < HEADER_SIZE || position + slots * 8 > this.#size))
      throw this.#damaged();
    return { position, slots };
  }

  /** Records end where the first table that has slots begins; tables without slots may point anywhere. */
  #endOfRecords(): number {
    let end = CDB_SIZE_MAX;
    for (let index = 0; index < 256; index++) {
      const { position, slots } = this.#tableOf(index);
      if (slots > 0 && position < end) end = position;
    }
    return end === CDB_SIZE_MAX ? HEADER_SIZE : end;
  }

  #record(position: number, end: number): Record {
    if (position < HEADER_SIZE || position + 8 > end) throw this.#damaged();
    const lengths = this.#bytes(position, 8);
    const keyLength = lengths.readUInt32LE(0);
    const dataLength = lengths.readUInt32LE(4);
    if (position + 8 + keyLength + dataLength > end) throw this.#damaged();
    return { keyPosition: position + 8, keyLength, dataLength };
  }

  #bytes(position: number, length: number): Buffer {
    if (position + length > this.#size) throw this.#damaged();
    const result = Buffer.allocUnsafe(length);
    if (length > BLOCK_SIZE) {
      this.#pread(result, position);
      return result;
    }
    for (let done = 0; done < length; ) {
      const at = position + done;
      const block = this.#block(Math.floor(at / BLOCK_SIZE));
      done += block.copy(result, done, at % BLOCK_SIZE);
    }
    return result;
  }

  #block(number: number): Buffer {
    const kept = this.#blocks.get(number);
    if (kept !== undefined) {
      this.#blocks.delete(number); // and in again as the newest
      this.#blocks.set(number, kept);
      return kept;
    }
    const start = number * BLOCK_SIZE;
    const block = Buffer.allocUnsafe(Math.min(BLOCK_SIZE, this.#size - start));
    this.#pread(block, start);
    if (this.#blocks.size >= BLOCKS_KEPT) {
      const oldest = this.#blocks.keys().next();
      if (!oldest.done) this.#blocks.delete(oldest.value);
    }
    this.#blocks.set(number, block);
    return block;
  }

  #pread(into: Buffer, position: number): void {
    for (let done = 0; done < into.length; ) {
      let got: number;
      try {
        got = readSync(this.#fd, into, done, into.length - done, position + done);
      } catch (error) {
        throw faultOf(error, `unable to read ${this.#path}`);
      }
      if (got === 0) throw this.#damaged(); // cut short while open
      done += got;
    }
  }

  #damaged(): Temporary {
    return new Temporary(`${this.#path} is damaged: not a valid cdb`);
  }
}

interface Record {
  readonly keyPosition: number;
  readonly keyLength: number;
  readonly dataLength: number;
}
