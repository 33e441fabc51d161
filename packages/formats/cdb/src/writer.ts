// Writes a cdb, streaming, and puts it in place of an old one in one step.
//
// Steps of writeCdb: PATH.tmp (locked, emptied) -> write -> fsync -> rename to PATH -> fsync directory.
// A crash before the rename leaves the old file and a PATH.tmp that the next writer takes over; after it,
// the new file.

import { constants, fchmodSync, ftruncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytesOf } from '@q/bytes';
import { faultOf } from '@q/fault';
import {
  closeFd,
  fsyncDir,
  fsyncFd,
  GatheredWriter,
  openLocked,
  renameFile,
  unlinkIfThere,
  writeFully,
} from '@q/fsx';
import { CdbEncoder, HEADER_SIZE } from './encoder.ts';
import { WRITE_SIZE } from './limits.ts';

const TEMPORARY_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

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
    const fd = await openLocked(temporary, TEMPORARY_FLAGS);
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
  const out = new GatheredWriter(fd, WRITE_SIZE);
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
