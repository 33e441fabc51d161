// File operations on raw descriptors, as promises. Errors are Node's own, with an errno in `code`;
// callers say with faultOf what they were doing.
//
// A promise costs two trips to another thread, some 50 to 100 us of CPU: more than most of these system calls.
// What only touches the page cache and metadata is for the ...Sync forms and node:fs where it is done for every
// message; what waits for the disk, an fsync above all, only by who serves nobody else meanwhile.

import {
  type BigIntStats,
  close,
  closeSync,
  constants,
  fstat,
  fsync,
  link,
  open,
  openSync,
  read,
  rename,
  unlink,
  write,
  writeSync,
} from 'node:fs';
import { errnoOf } from '@q/fault';

/** A file's path: a Buffer where its bytes may be anything. */
export type Path = string | Buffer;

/** open(2). `flags` are fs.constants' O_ bits; close-on-exec is always set. */
export function openFd(path: Path, flags: number, mode = 0o600): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, mode, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

/** A new file for writing; fails with EEXIST when the name is taken, a dangling link included. */
export function createExclusive(path: Path, mode: number): Promise<number> {
  return openFd(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
}

/** createExclusive, at once. */
export function createExclusiveSync(path: Path, mode: number): number {
  return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
}

export function closeFd(fd: number): Promise<void> {
  return settled((done) => close(fd, done));
}

/**
 * close(2) of what was only read. An error there is nobody's trouble, for Linux has closed it all the same; thrown on the
 * way out, it would take the place of what was found.
 */
export function closeAnyway(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // see above
  }
}

/** read(2) or, with `position` (bytes), pread(2). Resolves to the number of bytes, 0 at the end. */
export function readFd(
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number | null,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, offset, length, position, (error, n) => (error ? reject(error) : resolve(n)));
  });
}

/** Writes all of `data`, at `position` (bytes) if it is given. A short write goes on; it is never taken for success. */
export async function writeFully(
  fd: number,
  data: Uint8Array,
  position: number | null = null,
): Promise<void> {
  let written = 0;
  while (written < data.length) {
    const at = position === null ? null : position + written;
    const from = written;
    written += await new Promise<number>((resolve, reject) => {
      write(fd, data, from, data.length - from, at, (error, n) =>
        error ? reject(error) : resolve(n),
      );
    });
  }
}

/** writeFully from where the file stands, at once. */
export function writeFullySync(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
}

export function fsyncFd(fd: number): Promise<void> {
  return settled((done) => fsync(fd, done));
}

/** Makes the names in a directory durable: a link or rename is not until this. */
export async function fsyncDir(path: Path): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await fsyncFd(fd);
  } finally {
    closeSync(fd);
  }
}

/** fstat(2) with 64-bit numbers, for inode numbers that must be exact. */
export function fstatFd(fd: number): Promise<BigIntStats> {
  return new Promise((resolve, reject) => {
    fstat(fd, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats)));
  });
}

export function linkFile(from: Path, to: Path): Promise<void> {
  return settled((done) => link(from, to, done));
}

export function renameFile(from: Path, to: Path): Promise<void> {
  return settled((done) => rename(from, to, done));
}

export function unlinkFile(path: Path): Promise<void> {
  return settled((done) => unlink(path, done));
}

/** Unlinks; false when there was nothing to unlink. Any other trouble is thrown. */
export async function unlinkIfThere(path: Path): Promise<boolean> {
  try {
    await unlinkFile(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function settled(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
