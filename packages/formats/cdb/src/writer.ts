// Writes a cdb, streaming, and puts it in place of an old one in one step.
//
// Steps of writeCdb: PATH.tmp (locked, emptied) -> write -> fsync -> rename to PATH -> fsync directory.
// A crash before the rename leaves the old file and a PATH.tmp that the next writer takes over; after it,
// the new file.

import { constants, fchmodSync, ftruncateSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytesOf } from '@q/bytes';
import { errnoOf, faultOf } from '@q/fault';
import {
  closeFd,
  flock,
  fstatFd,
  fsyncDir,
  fsyncFd,
  openFd,
  renameFile,
  unlinkIfThere,
  writeFully,
} from '@q/fsx';
import { CdbEncoder, HEADER_SIZE } from './encoder.ts';
import { WRITE_SIZE } from './limits.ts';

/** A key and its data; a string is latin1 text. */
export type CdbEntry = readonly [key: Uint8Array | string, data: Uint8Array | string];
export type CdbEntries = Iterable<CdbEntry> | AsyncIterable<CdbEntry>;

/**
 * Replaces the cdb at `path`, creating it with exactly `mode`. Readers see the old file or the new one.
 * Writers of one path wait for each other. Throws faults; the old file then stays as it was.
 */
export async function writeCdb(
  path: string,
  entries: CdbEntries,
  options: { readonly mode: number },
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const fd = await openLocked(temporary);
    try {
      ftruncateSync(fd);
      fchmodSync(fd, options.mode);
      await writeCdbTo(fd, entries);
      await fsyncFd(fd);
      await renameFile(temporary, path);
    } catch (error) {
      await unlinkIfThere(temporary);
      throw error;
    } finally {
      await closeFd(fd);
    }
    await fsyncDir(dirname(path));
  } catch (error) {
    throw faultOf(error, `unable to write ${path}`);
  }
}

/**
 * Writes a cdb to the start of an empty file. `hashesOf` gives the hashes under which readers will look for
 * a key, where that is not the one hash of cdb. Does not fsync.
 */
export async function writeCdbTo(
  fd: number,
  entries: CdbEntries,
  hashesOf?: (key: Uint8Array) => Iterable<number>,
): Promise<void> {
  const encoder = new CdbEncoder();
  const out = new Gatherer(fd);
  await out.write(Buffer.alloc(HEADER_SIZE));
  for await (const [key, data] of entries) {
    const keyBytes = toBytes(key);
    for (const piece of encoder.add(keyBytes, toBytes(data), hashesOf?.(keyBytes)))
      await out.write(piece);
  }
  for (const table of encoder.tables()) await out.write(table);
  await out.flush();
  await writeFully(fd, encoder.header(), 0);
}

/** The bytes of a small cdb, made in memory. */
export function encodeCdb(entries: Iterable<CdbEntry>): Buffer {
  const encoder = new CdbEncoder();
  const pieces: Uint8Array[] = [];
  for (const [key, data] of entries) pieces.push(...encoder.add(toBytes(key), toBytes(data)));
  for (const table of encoder.tables()) pieces.push(table);
  return Buffer.concat([encoder.header(), ...pieces]);
}

// --- internal ---

function toBytes(value: Uint8Array | string): Uint8Array {
  return typeof value === 'string' ? bytesOf(value) : value;
}

/** Opens the temporary file and locks it; a holder that went before may have renamed it away meanwhile. */
async function openLocked(path: string): Promise<number> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  for (;;) {
    const fd = await openFd(path, flags, 0o600);
    try {
      await flock(fd, 'exclusive');
      if (await isAt(fd, path)) return fd;
    } catch (error) {
      await closeFd(fd);
      throw error;
    }
    await closeFd(fd);
  }
}

async function isAt(fd: number, path: string): Promise<boolean> {
  const held = await fstatFd(fd);
  try {
    const named = lstatSync(path, { bigint: true });
    return named.ino === held.ino && named.dev === held.dev;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Collects small pieces into few writes. */
class Gatherer {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(WRITE_SIZE);
  #held = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async write(piece: Uint8Array): Promise<void> {
    if (this.#held + piece.length > this.#buffer.length) await this.flush();
    if (piece.length > this.#buffer.length) return writeFully(this.#fd, piece);
    this.#buffer.set(piece, this.#held);
    this.#held += piece.length;
  }

  async flush(): Promise<void> {
    const held = this.#buffer.subarray(0, this.#held);
    this.#held = 0;
    await writeFully(this.#fd, held);
  }
}
