// Files and directories of a folder, which anybody who may deliver or log in may have put there: never followed through
// a link, never waited for, never read without a bound.

import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import { STALE_TRIES } from './limits.ts';

/** `dir`/`name`, as bytes: names are latin1 text, whose bytes need not be UTF-8. */
function inside(dir: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name, 'latin1')]);
}

/** The same as a string where it can be one, which is cheaper. */
export function pathOf(dir: string, name: string): string | Buffer {
  return /^[\x20-\x7e]*$/.test(name) ? `${dir}/${name}` : inside(dir, name);
}

/** A file's bytes as latin1 text, and what tells whether it was changed since. */
export interface ReadFile {
  readonly text: string;
  readonly stats: BigIntStats;
}

export const READ_FLAGS =
  constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Undefined when there is no such file. Throws an error with an errno otherwise: ELOOP for a link, EFBIG for more than `max`
 * bytes, EINVAL for what is no file.
 */
export function readWhole(path: string | Buffer, max: number): ReadFile | undefined {
  try {
    return retryStale(() => readOnce(path, max));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function readOnce(path: string | Buffer, max: number): ReadFile {
  const fd = openSync(path, READ_FLAGS);
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile()) throw refused('EINVAL');
    if (stats.size > BigInt(max)) throw refused('EFBIG');
    return { text: textOf(fd, Number(stats.size)), stats };
  } finally {
    closeSync(fd);
  }
}

function textOf(fd: number, size: number): string {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const n = readSync(fd, bytes, at, size - at, at);
    if (n === 0) break;
    at += n;
  }
  return bytes.toString('latin1', 0, at);
}

function refused(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** NFS says ESTALE when a directory or a file was replaced on the server, of an open one too; asking again finds the new one. */
export function retryStale<Result>(call: () => Result): Result {
  for (let left = STALE_TRIES; ; left--) {
    try {
      return call();
    } catch (error) {
      if (left <= 1 || errnoOf(error) !== 'ESTALE') throw error;
    }
  }
}
