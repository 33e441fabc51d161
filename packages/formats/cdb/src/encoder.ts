// The bytes of a cdb, D. J. Bernstein's constant database (cdb(5) of tinycdb describes it too).
// All numbers are unsigned 32-bit little-endian; offsets count from the start of the file.
//
//   header   256 pairs (offset of hash table i, its number of slots)                     2048 bytes
//   records  key length, data length, key, data                                          one after the other
//   tables   for each i a table of slots (hash, offset of the record); offset 0 = free
//
// A key with hash h is in table h mod 256, from slot (h / 256) mod slots on, up to the next free slot.
// A table has twice as many slots as entries. Equal keys are found in the order of their records.
//
// Example: one record "me" -> "x" is 2048 bytes of header, then 02000000 01000000 6d 65 78 at offset
// 2048, then at 2059 a table of two slots. Each of the other 255 tables has 0 slots.

import { Permanent } from '@q/fault';
import { cdbHash } from './hash.ts';
import { CDB_SIZE_MAX } from './limits.ts';

/** Bytes of the header, and the offset of the first record. */
export const HEADER_SIZE = 2048;

/**
 * Makes a cdb piece by piece: HEADER_SIZE bytes of room first, then what `add` returns, then what `tables`
 * yields; at the end `header` belongs at offset 0. Holds 8 bytes for each record, never the records.
 */
export class CdbEncoder {
  #entries = new Uint32Array(2 * 1024); // pairs (hash, offset) in the order of the records
  #count = 0;
  #position = HEADER_SIZE;
  readonly #header = Buffer.alloc(HEADER_SIZE);

  /**
   * The pieces of one record, views on what was given. `hashes` are where readers look for the key: more
   * than one where a widespread reader computes another hash. Throws Permanent beyond 4 GiB.
   */
  add(key: Uint8Array, data: Uint8Array, hashes: Iterable<number> = [cdbHash(key)]): Uint8Array[] {
    const start = this.#position;
    this.#advance(8 + key.length + data.length);
    for (const hash of hashes) this.#remember(hash, start);
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(key.length, 0);
    lengths.writeUInt32LE(data.length, 4);
    return [lengths, key, data];
  }

  /** The hash tables, to be written after the last record. Throws Permanent beyond 4 GiB. */
  *tables(): Generator<Buffer> {
    const groups = this.#byTable();
    for (let table = 0; table < 256; table++) {
      const from = groups.starts[table] as number;
      const count = (groups.starts[table + 1] as number) - from;
      this.#header.writeUInt32LE(this.#position, table * 8);
      this.#header.writeUInt32LE(count * 2, table * 8 + 4);
      if (count === 0) continue;
      this.#advance(count * 16);
      yield this.#table(groups.order.subarray(from, from + count));
    }
  }

  /** The header, complete once `tables` has come to its end. */
  header(): Buffer {
    return this.#header;
  }

  #advance(length: number): void {
    if (this.#position + length > CDB_SIZE_MAX)
      throw new Permanent('a cdb cannot be larger than 4 GiB');
    this.#position += length;
  }

  #remember(hash: number, offset: number): void {
    if (this.#count * 2 === this.#entries.length) {
      const larger = new Uint32Array(this.#entries.length * 2);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[this.#count * 2] = hash;
    this.#entries[this.#count * 2 + 1] = offset;
    this.#count++;
  }

  /** Entry numbers sorted by table, stable; table i has order[starts[i] .. starts[i + 1]). */
  #byTable(): { order: Uint32Array; starts: Uint32Array } {
    const starts = new Uint32Array(257);
    for (let i = 0; i < this.#count; i++) {
      const next = ((this.#entries[i * 2] as number) & 0xff) + 1;
      starts[next] = (starts[next] as number) + 1;
    }
    for (let i = 1; i <= 256; i++) starts[i] = (starts[i] as number) + (starts[i - 1] as number);
    const free = starts.slice();
    const order = new Uint32Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      const table = (this.#entries[i * 2] as number) & 0xff;
      const place = free[table] as number;
      order[place] = i;
      free[table] = place + 1;
    }
    return { order, starts };
  }

  #table(members: Uint32Array): Buffer {
    const slots = members.length * 2;
    const bytes = Buffer.alloc(slots * 8);
    for (const member of members) {
      const hash = this.#entries[member * 2] as number;
      const offset = this.#entries[member * 2 + 1] as number;
      let slot = (hash >>> 8) % slots;
      while (bytes.readUInt32LE(slot * 8 + 4) !== 0) slot = (slot + 1) % slots;
      bytes.writeUInt32LE(hash, slot * 8);
      bytes.writeUInt32LE(offset, slot * 8 + 4);
    }
    return bytes;
  }
}
