// What there is of one message, and whether each file says what it should.

import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';
import { errnoOf } from '@q/fault';
import type { QueuePaths } from '@q/queue-files';
import { recordsIn, statIfThere } from '../message.ts';
import { MESSAGE_DIRECTORIES, type MessageDirectory, pathOf } from './files.ts';

export interface FileFacts {
  readonly regular: boolean;
  readonly uid: number;
  readonly mode: number;
  readonly links: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly atime: number;
  /** Decimal; exact for mess. */
  readonly inode: string;
  /** What is wrong with its content, in words; undefined when nothing is. */
  readonly damage: string | undefined;
}

export type MessageFacts = { readonly id: string } & {
  readonly [Directory in MessageDirectory]?: FileFacts;
};

/** Looks at mess first: while a message ends or begins, the other files are there only when it is. */
export function factsOf(paths: QueuePaths, id: string): MessageFacts {
  const facts: Record<string, unknown> = { id };
  for (const directory of MESSAGE_DIRECTORIES) {
    const path = pathOf(paths, directory, id);
    const stats = statIfThere(path);
    if (stats !== undefined)
      facts[directory] = {
        ...fileFacts(stats, path, directory),
        damage: damageIn(path, directory, stats),
      };
  }
  return facts as MessageFacts;
}

function fileFacts(stats: Stats, path: string, directory: MessageDirectory) {
  return {
    regular: stats.isFile(),
    uid: stats.uid,
    mode: stats.mode & 0o7777,
    links: stats.nlink,
    size: stats.size,
    atime: stats.atimeMs / 1000,
    inode: (directory === 'mess' ? exactInode(path) : undefined) ?? String(stats.ino),
  };
}

/** Inode numbers beyond 2^53 do not fit into a JavaScript number. */
function exactInode(path: string): string | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino.toString();
}

/** Reads, and tells nothing of what it reads: this may run as root, in directories of others. */
function damageIn(path: string, directory: MessageDirectory, stats: Stats): string | undefined {
  if (!stats.isFile() || !(directory in SHAPE)) return undefined;
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let fd: number | undefined;
  try {
    fd = openSync(path, flags);
    return fstatSync(fd).isFile() ? damageOf(fd, directory) : undefined;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return undefined;
    return code === undefined ? 'has a record without end' : `cannot be read (${code})`;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * The types of records, as one text: u, p, F, T and D, in the order in which a file must have them. intd is
 * left out: until it is linked to todo, qmail-queue may be writing it.
 */
const SHAPE: Readonly<Partial<Record<MessageDirectory, RegExp>>> = {
  todo: /^upFT?$/,
  info: /^F$/,
  local: /^[TD]{1,2}$/,
  remote: /^[TD]{1,2}$/,
};

function damageOf(fd: number, directory: MessageDirectory): string | undefined {
  let types = '';
  const records = recordsIn(fd);
  let next = records.next();
  for (; next.done !== true; next = records.next()) {
    const { type } = next.value;
    // Only changes of type are kept: T and D may alternate in a channel, nothing may elsewhere.
    const known =
      directory === 'local' || directory === 'remote' ? types.includes(type) : types.endsWith(type);
    if (!known) types += type === '' ? '?' : type;
    if (types.length > 4) break;
  }
  if (next.done === true && !next.value) return 'ends in the middle of a record';
  if (types === '') return 'is empty';
  return SHAPE[directory]?.test(types) ? undefined : 'is not what it should be';
}
