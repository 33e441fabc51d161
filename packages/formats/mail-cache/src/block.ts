// Records of neighbouring UIDs in one value: thousands of them are read in a few steps, and an entry says which message
// it belongs to.
//
//   block   = crc count *place *entry          ; CRC-32 of all behind it; 4OCTET, 2OCTET little-endian
//   place   = uid end                          ; 4OCTET each; ascending; where its entry ends, from the first one's begin
//   entry   = size base record                 ; OCTET, the message's base name of this size, the rest
//
// The key of the block has the mailbox id, the entry UID and base name: a record is never taken for another message's.

import { crc32 } from 'node:zlib';
import { damagedRecord } from './packed.ts';

export interface Entry {
  readonly uid: number;
  readonly base: string;
  readonly record: Buffer;
}

export class Block {
  readonly bytes: Buffer;
  readonly count: number;
  readonly #entries: number;

  /** Throws Permanent when the bytes are damaged. */
  constructor(bytes: Buffer) {
    if (bytes.length < HEAD || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0))
      throw damagedRecord();
    this.bytes = bytes;
    this.count = bytes.readUInt16LE(4);
    this.#entries = HEAD + this.count * PLACE;
    if (this.#entries > bytes.length) throw damagedRecord();
  }

  /** Where the entry of this UID is; -1 when there is none. */
  find(uid: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const here = this.bytes.readUInt32LE(HEAD + middle * PLACE);
      if (here === uid) return middle;
      if (here < uid) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** The record of the entry when it belongs to a message of this base name. Part of the block's bytes. */
  record(index: number, base: string): Buffer | undefined {
    const { start, end } = this.#extent(index);
    const size = this.bytes[start] as number;
    if (size !== base.length) return undefined;
    for (let i = 0; i < size; i++)
      if (this.bytes[start + 1 + i] !== base.charCodeAt(i)) return undefined;
    return this.bytes.subarray(start + 1 + size, end);
  }

  *entries(): Generator<Entry, void, undefined> {
    for (let i = 0; i < this.count; i++) {
      const { start, end } = this.#extent(i);
      const behind = start + 1 + (this.bytes[start] as number);
      yield {
        uid: this.bytes.readUInt32LE(HEAD + i * PLACE),
        base: this.bytes.toString('latin1', start + 1, behind),
        record: this.bytes.subarray(behind, end),
      };
    }
  }

  #extent(index: number): { start: number; end: number } {
    const at = HEAD + index * PLACE + 4;
    const start = this.#entries + (index === 0 ? 0 : this.bytes.readUInt32LE(at - PLACE));
    const end = this.#entries + this.bytes.readUInt32LE(at);
    if (start >= end || end > this.bytes.length) throw damagedRecord();
    return { start, end };
  }
}

/** A block of these entries, in any order; each base name has at most 255 characters. */
export function encodeBlock(entries: Iterable<Entry>): Buffer {
  const sorted = [...entries].sort((a, b) => a.uid - b.uid);
  let size = HEAD + sorted.length * PLACE;
  const data = size;
  for (const { base, record } of sorted) size += 1 + base.length + record.length;
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt16LE(sorted.length, 4);
  let at = data;
  for (const [i, { uid, base, record }] of sorted.entries()) {
    bytes[at++] = base.length;
    at += bytes.write(base, at, 'latin1');
    at += record.copy(bytes, at);
    bytes.writeUInt32LE(uid, HEAD + i * PLACE);
    bytes.writeUInt32LE(at - data, HEAD + i * PLACE + 4);
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** Longest base name an entry can have: a file name's limit. */
export const BASE_MAX = 255;

const HEAD = 6;
const PLACE = 8;
