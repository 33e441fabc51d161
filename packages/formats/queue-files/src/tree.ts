// The queue's directories, locks and trigger, with the owner and mode each must have: qmail-queue-format(5).
// This runs as root in directories that belong to qmailq and qmails. Neither may use it to get at a file
// of somebody else: entries are opened without following links, relative to their open parent, and
// changed through the descriptor.

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf, faultOf, Permanent } from '@q/fault';
import { mkfifo } from '@q/posix';
import { SPLIT, TCPTO_SIZE } from './limits.ts';

export interface TreeEntry {
  /** Relative to QMAILHOME. */
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'fifo';
  readonly mode: number;
  /** The group is always qmail. */
  readonly owner: 'qmailq' | 'qmailr' | 'qmails';
  /** Least size of a file, in bytes; the bytes are zero. */
  readonly size?: number;
}

/** uids of the owners and gid of the group. In a private instance (`single`) nothing changes hands. */
export interface QueueIds {
  readonly single: boolean;
  readonly qmailq: number;
  readonly qmailr: number;
  readonly qmails: number;
  readonly qmail: number;
}

/** Every entry, parents first. */
export function queueTree(): TreeEntry[] {
  const splits = ['', ...Array.from({ length: SPLIT }, (_, i) => `/${i}`)];
  return [
    directory('queue', 'qmailq', 0o750),
    directory('queue/pid', 'qmailq', 0o700),
    directory('queue/intd', 'qmailq', 0o700),
    directory('queue/todo', 'qmailq', 0o750),
    directory('queue/bounce', 'qmails', 0o700),
    ...splits.map((split) => directory(`queue/mess${split}`, 'qmailq', 0o750)),
    ...splits.map((split) => directory(`queue/info${split}`, 'qmails', 0o700)),
    ...splits.map((split) => directory(`queue/local${split}`, 'qmails', 0o700)),
    ...splits.map((split) => directory(`queue/remote${split}`, 'qmails', 0o700)),
    directory('queue/lock', 'qmailq', 0o750),
    { path: 'queue/lock/tcpto', kind: 'file', owner: 'qmailr', mode: 0o644, size: TCPTO_SIZE },
    { path: 'queue/lock/sendmutex', kind: 'file', owner: 'qmails', mode: 0o600 },
    // Every user may pull the trigger: it wakes qmail-send and carries nothing.
    { path: 'queue/lock/trigger', kind: 'fifo', owner: 'qmails', mode: 0o622 },
    // Holds the queue server's socket, which every user may connect to.
    directory('run', 'qmailq', 0o755),
  ];
}

/**
 * Makes the queue in `home`, which must exist, or completes it: what is there stays, and gets the right
 * mode and owner. Throws a fault that names the entry; an entry of the wrong kind is Permanent.
 */
export function makeQueueTree(home: string, ids: QueueIds): void {
  const directories = new Map<string, number>();
  const grown = new Set<number>();
  try {
    directories.set('.', openHome(home));
    for (const entry of queueTree()) {
      const parent = directories.get(dirname(entry.path)) as number;
      try {
        const { fd, made } = makeEntry(parent, entry, ids);
        if (entry.kind === 'directory') directories.set(entry.path, fd);
        else closeSync(fd);
        if (made) grown.add(parent);
      } catch (error) {
        throw faultOf(error, `unable to create ${join(home, entry.path)}`);
      }
    }
    // The names must outlive a crash, or mail accepted later could vanish with its directory.
    for (const fd of grown) fsyncSync(fd);
  } finally {
    for (const fd of directories.values()) closeSync(fd);
  }
}

function openHome(home: string): number {
  try {
    return openSync(home, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw faultOf(error, `unable to open ${home}`);
  }
}

/** The entry, open, and whether it is new. */
function makeEntry(parent: number, entry: TreeEntry, ids: QueueIds): { fd: number; made: boolean } {
  // openat(2) by way of /proc: what the parent's name leads to may have changed since it was opened.
  const path = `/proc/self/fd/${parent}/${basename(entry.path)}`;
  const made = create(path, entry);
  const fd = openSync(path, OPEN_FLAGS[entry.kind]);
  try {
    correct(fd, entry, ids);
    return { fd, made };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function correct(fd: number, entry: TreeEntry, ids: QueueIds): void {
  const stats = fstatSync(fd);
  if (!isKind(stats, entry.kind)) throw new Permanent(`${entry.path} is not a ${entry.kind}`);
  // A second name could be in anybody's directory, and what it names is about to change its owner.
  if (entry.kind !== 'directory' && stats.nlink !== 1) {
    throw new Permanent(`${entry.path} has several links`);
  }
  if (!ids.single && (stats.uid !== ids[entry.owner] || stats.gid !== ids.qmail)) {
    fchownSync(fd, ids[entry.owner], ids.qmail);
  }
  if ((stats.mode & 0o7777) !== entry.mode) fchmodSync(fd, entry.mode);
  if (entry.size !== undefined && stats.size < entry.size) ftruncateSync(fd, entry.size);
}

/** Created for the owner alone; the mode follows once the owner is right. False if it was there. */
function create(path: string, entry: TreeEntry): boolean {
  try {
    if (entry.kind === 'directory') mkdirSync(path, 0o700);
    else if (entry.kind === 'fifo') mkfifo(path, 0o600);
    else
      closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' || errnoOf((error as Error).cause) === 'EEXIST') return false;
    throw error;
  }
}

function isKind(stats: Stats, kind: TreeEntry['kind']): boolean {
  if (kind === 'directory') return stats.isDirectory();
  return kind === 'fifo' ? stats.isFIFO() : stats.isFile();
}

function directory(path: string, owner: TreeEntry['owner'], mode: number): TreeEntry {
  return { path, kind: 'directory', owner, mode };
}

const SAFE = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const OPEN_FLAGS = {
  directory: constants.O_RDONLY | constants.O_DIRECTORY | SAFE,
  file: constants.O_RDWR | SAFE,
  fifo: constants.O_RDONLY | SAFE,
} as const;
