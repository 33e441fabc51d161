// Which .qmail file is in charge of an address. dot-qmail(5), "EXTENSION ADDRESSES".

import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { candidateNames } from '@q/dotqmail';
import { errnoOf, errnoText, isTemporaryErrno, Temporary } from '@q/fault';
import { WRITABLE_BY_OTHERS } from './home.ts';
import { DOTQMAIL_MAX } from './limits.ts';

export interface ControlFile {
  readonly content: Buffer;
  /** The owner's x bit: nothing but forwards is allowed in it. */
  readonly forwardOnly: boolean;
  /** Where in the extension the part that "default" stands for begins. */
  readonly defaultFrom: number | undefined;
}

/** Permission is denied: mail waits, because what the file says is not known. */
const NOT_READABLE: ReadonlySet<string> = new Set(['EPERM', 'EACCES']);

const OWNER_X = 0o100;

/**
 * The first file of the search that is there, from the current directory; undefined when there is none.
 * Throws Temporary for one that cannot be opened or that others may write.
 */
export function findControlFile(dash: string, ext: string): ControlFile | undefined {
  for (const { name, defaultFrom } of candidateNames(dash, ext)) {
    const file = openControlFile(name);
    if (file === undefined) continue;
    try {
      return {
        content: readWhole(file.fd, name),
        forwardOnly: (file.stats.mode & OWNER_X) !== 0,
        defaultFrom,
      };
    } finally {
      closeSync(file.fd);
    }
  }
  return undefined;
}

function openControlFile(name: string): { readonly fd: number; readonly stats: Stats } | undefined {
  const path = bytesOf(name);
  let fd: number;
  try {
    // Most names of a search are not there, and an exception for each would cost more than this look.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    // O_NONBLOCK: a FIFO of that name is not waited on; it is no regular file, and so not there.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const errno = errnoOf(cause) ?? 'EIO';
    if (isTemporaryErrno(errno) || NOT_READABLE.has(errno)) throw unableToOpen(name, cause);
    return undefined;
  }
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) {
      if ((stats.mode & WRITABLE_BY_OTHERS) !== 0)
        throw new Temporary('Uh-oh: .qmail file is writable. (#4.7.0)');
      return { fd, stats };
    }
  } catch (cause) {
    closeSync(fd);
    throw cause instanceof Temporary ? cause : unableToOpen(name, cause);
  }
  closeSync(fd);
  return undefined;
}

function readWhole(fd: number, name: string): Buffer {
  const parts: Buffer[] = [];
  for (let total = 0; ; ) {
    const part = Buffer.allocUnsafe(READ_SIZE);
    let n: number;
    try {
      n = readSync(fd, part, 0, part.length, null);
    } catch (cause) {
      throw unableToOpen(name, cause);
    }
    if (n === 0) return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    total += n;
    if (total > DOTQMAIL_MAX) throw unableToOpen(name, 'file too large');
    parts.push(part.subarray(0, n));
  }
}

const READ_SIZE = 4000;

function unableToOpen(name: string, cause: unknown): Temporary {
  return new Temporary(`Unable to open ${name}: ${errnoText(cause)}. (#4.3.0)`, { cause });
}
