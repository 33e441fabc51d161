// How much of the disk a maildir takes, as du(1) would count it, and how many messages are in it: what
// vcheckquota(1) compares with the limits of a user.

import { opendirSync, type Stats, statSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { errnoOf, errnoText, Temporary } from '@q/fault';
import { MAILBOX_ENTRIES_MAX } from './limits.ts';

export interface DiskUsage {
  /** Allocated on the disk: st_blocks of 512 bytes. */
  readonly bytes: number;
  /** Regular files in cur and new of the maildir and its folders. */
  readonly messages: number;
}

const BLOCK = 512;
const MESSAGES = ['cur', 'new'] as const;
const TMP = 'tmp';

/** The bytes that a file takes on the disk. */
export function allocated(stats: Pick<Stats, 'blocks'>): number {
  return stats.blocks * BLOCK;
}

/**
 * Counts the maildir at `path` (latin1): everything in it, and in each directory that is a folder the
 * messages and the directories themselves. Files that go away meanwhile do not count. Throws Temporary when
 * something cannot be read, or there are more than MAILBOX_ENTRIES_MAX entries.
 */
export function diskUsage(path: string): DiskUsage {
  const count = { bytes: 0, messages: 0, entries: 0 };
  add(count, path);
  for (const name of namesIn(path, count)) {
    const entry = `${path}/${name}`;
    if (!add(count, entry)?.isDirectory()) continue;
    if (name === 'cur' || name === 'new') countMessages(count, entry);
    else if (name !== TMP) countFolder(count, entry);
  }
  return count;
}

interface Count {
  bytes: number;
  messages: number;
  entries: number;
}

/** A directory that is no folder has none of the three, and that is no trouble. */
function countFolder(count: Count, path: string): void {
  for (const inner of MESSAGES)
    if (add(count, `${path}/${inner}`)?.isDirectory()) countMessages(count, `${path}/${inner}`);
  add(count, `${path}/${TMP}`);
}

function countMessages(count: Count, path: string): void {
  for (const name of namesIn(path, count)) {
    const stats = statOf(`${path}/${name}`);
    if (!stats?.isFile()) continue;
    count.messages++;
    count.bytes += allocated(stats);
  }
}

function add(count: Count, path: string): Stats | undefined {
  const stats = statOf(path);
  if (stats !== undefined) count.bytes += allocated(stats);
  return stats;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(bytesOf(path));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new Temporary(`Cannot stat '${path}': ${errnoText(error)}`, { cause: error });
  }
}

/** One after the other, so that a mailbox of a million messages takes no memory. */
function* namesIn(path: string, count: Count): Generator<string> {
  const directory = opened(path);
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      if (++count.entries > MAILBOX_ENTRIES_MAX)
        throw new Temporary(`'${path}' has too many files to be counted`);
      yield entry.name;
    }
  } finally {
    directory.closeSync();
  }
}

function opened(path: string) {
  try {
    // @types/node leaves out that a path may be a Buffer, and names are latin1 here.
    return opendirSync(bytesOf(path) as unknown as string, { encoding: 'latin1', bufferSize: 256 });
  } catch (error) {
    throw new Temporary(`Could not open directory '${path}': ${errnoText(error)}`, {
      cause: error,
    });
  }
}
