// Inherited descriptors as streams, whatever kind of file they are.

import { createReadStream, createWriteStream, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';

/** Bytes from an inherited descriptor. */
export function inputOf(fd: number): Readable {
  if (isStream(fd)) return new Socket({ fd, readable: true, writable: false });
  return createReadStream('', { fd, autoClose: false });
}

/** Bytes to an inherited descriptor, in order. */
export function outputOf(fd: number): Writable {
  if (isStream(fd)) return new Socket({ fd, readable: false, writable: true });
  return createWriteStream('', { fd, autoClose: false });
}

/**
 * Asks with bigint: Node 20 keeps the other kind of answer and, when it was a pipe's, then takes a
 * symbolic link on the way to a module for the end of the way.
 */
function isStream(fd: number): boolean {
  const stats = fstatSync(fd, { bigint: true });
  return stats.isFIFO() || stats.isSocket();
}
