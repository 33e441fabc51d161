// One message of a maildir, looked at or opened. Between scan and use the file may vanish, or be replaced by
// a FIFO or a device: none of these is ever waited for or read. A link that leads to a regular file is a message, as
// for qmail-pop3d and Courier: vpopbull and vcheckquota put such links into maildirs. Whoever reads a maildir has the
// rights of its owner, so that a link shows nothing that he could not read.

import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { errnoOf, faultOf } from '@q/fault';
import { closeFd, fstatFd, openFd, type Path } from '@q/fsx';
import { inside } from './paths.ts';
import type { Entry } from './scan.ts';

type Place = Pick<Entry, 'dir' | 'name'>;

export interface EntryStats {
  /** In bytes, as on disk. */
  readonly size: number;
  /** Unix time in seconds, whole. */
  readonly mtime: number;
}

/** The path of a message, as bytes. */
export function entryPath(maildir: Path, entry: Place): Buffer {
  return inside(maildir, entry.dir, entry.name);
}

/** Size and time, or undefined when the message is gone or is no regular file. Throws a fault for other trouble. */
export async function statEntry(maildir: Path, entry: Place): Promise<EntryStats | undefined> {
  try {
    const stats = await stat(entryPath(maildir, entry));
    if (!stats.isFile()) return undefined;
    return { size: stats.size, mtime: Math.floor(stats.mtimeMs / 1000) };
  } catch (error) {
    if (isNoMessage(error)) return undefined;
    throw faultOf(error, 'unable to stat message');
  }
}

/** What statEntry() looks at, at once and whole. */
export function statEntrySync(maildir: Path, entry: Place): Stats | undefined {
  try {
    const stats = statSync(entryPath(maildir, entry), { throwIfNoEntry: false });
    return stats?.isFile() === true ? stats : undefined;
  } catch (error) {
    if (isNoMessage(error)) return undefined;
    throw faultOf(error, 'unable to stat message');
  }
}

/**
 * Opens a message at once, without another thread's help: for servers that open one after the other. The caller closes
 * the descriptor; `size` is in bytes. Undefined and faults as for statEntry().
 */
export function openEntrySync(
  maildir: Path,
  entry: Place,
): { readonly fd: number; readonly size: number } | undefined {
  let fd: number;
  try {
    fd = openSync(entryPath(maildir, entry), OPEN_FLAGS);
  } catch (error) {
    if (isNoMessage(error)) return undefined;
    throw faultOf(error, 'unable to open message');
  }
  const stats = fstatSync(fd);
  if (stats.isFile()) return { fd, size: stats.size };
  closeSync(fd);
  return undefined;
}

/** A descriptor for reading, which the caller closes; undefined and faults as for statEntry(). */
export async function openEntry(maildir: Path, entry: Place): Promise<number | undefined> {
  let fd: number;
  try {
    fd = await openFd(entryPath(maildir, entry), OPEN_FLAGS);
  } catch (error) {
    if (isNoMessage(error)) return undefined;
    throw faultOf(error, 'unable to open message');
  }
  if ((await fstatFd(fd)).isFile()) return fd;
  await closeFd(fd);
  return undefined;
}

/**
 * Gone, or a link that leads nowhere (ENOENT, ENOTDIR), round in a circle (ELOOP); ENXIO: a socket or a device without driver.
 */
function isNoMessage(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '');
}

/** O_NONBLOCK: opening a FIFO must not wait for a writer. It means nothing for a regular file. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
