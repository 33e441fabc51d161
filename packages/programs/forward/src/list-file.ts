// A binary mailing list, which may be another user's. setmaillist(1), fastforward(1).

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type Command, decodeCommands, LIST_MAX } from '@q/aliases';
import { errnoText, isFault, Temporary } from '@q/fault';

const O_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * The commands of a list. Throws Temporary when it is missing, damaged, no regular file, too large, writable by
 * everybody, or not readable by everybody: our own rights must not show its owner's reader what others may not see.
 */
export function readListFile(path: string): Command[] {
  const name = Buffer.from(path, 'latin1');
  let fd: number;
  try {
    fd = openSync(name, O_FLAGS);
  } catch (error) {
    throw new Temporary(`unable to read ${path}: ${errnoText(error)}`, { cause: error });
  }
  try {
    const { size, mode } = checked(fd, path);
    if ((mode & 0o004) === 0) throw new Temporary(`${path} is not world-readable`);
    if ((mode & 0o002) !== 0) throw new Temporary(`${path} is world-writable`);
    const commands = decodeCommands(readWhole(fd, size, path), { onlyLists: true });
    if (commands === undefined) throw new Temporary(`bad mailing list format in ${path}`);
    return commands;
  } finally {
    closeSync(fd);
  }
}

function checked(fd: number, path: string): { size: number; mode: number } {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw new Temporary(`${path} is not a regular file`);
  if (stats.size > LIST_MAX) throw new Temporary(`${path} is too large`);
  return stats;
}

/** A file that changes size while it is read was not replaced in one step: it may hold half an address. */
function readWhole(fd: number, size: number, path: string): Buffer {
  const bytes = Buffer.alloc(size + 1);
  try {
    let at = 0;
    for (let got = -1; got !== 0 && at <= size; at += got)
      got = readSync(fd, bytes, at, bytes.length - at, at);
    if (at !== size) throw new Temporary(`${path} is being changed`);
  } catch (error) {
    if (isFault(error)) throw error;
    throw new Temporary(`unable to read ${path}: ${errnoText(error)}`, { cause: error });
  }
  return bytes.subarray(0, size);
}
