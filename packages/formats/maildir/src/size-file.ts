// The file `maildirsize` of a Maildir++: its quota, and what it holds, kept so that a delivery need not count.
//
//   file  = quota LF *total
//   total = *SP bytes SP messages LF      14 bytes at least, so that two writers' lines stay whole; may be negative
//
// Example:  10000000S,1000C
//                4096      2
//               -2048     -1
//
// The sum of the totals counts. Whoever adds or removes messages appends a total, in one write with O_APPEND. The totals
// are a cache: what makes no sense is counted anew, so nothing is fsynced. From SIZE_FILE_MAX bytes on every program
// counts anew; so a file whose totals must not be believed is filled up to there with totals of nothing, and keeps
// its quota, which may be written nowhere else.

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { errnoOf } from '@q/fault';
import { createExclusiveSync, type Path, writeFullySync } from '@q/fsx';
import { SIZE_FILE_MAX } from './limits.ts';
import { uniqueName } from './name.ts';
import { inside } from './paths.ts';
import { formatQuota, parseQuota, type Quota, sumOf, type Usage } from './quota.ts';

/** Courier's: others who may see the mailbox at all may see how full it is. */
const MODE = 0o644;

export interface SizeFile {
  /** Undefined when the first line is none. */
  readonly quota: Quota | undefined;
  /** Undefined when the totals make no sense, or the file is so long that it is to be counted anew. */
  readonly usage: Usage | undefined;
  /** How many totals there are. */
  readonly totals: number;
  /** Unix time in seconds. */
  readonly modified: number;
}

/** Undefined when there is none that can be read. Never waits for a FIFO, never follows a link. */
export function readSizeFile(maildir: Path): SizeFile | undefined {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const fd = openSync(pathOf(maildir), flags);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) return undefined;
      const bytes = Buffer.alloc(SIZE_FILE_MAX);
      const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, SIZE_FILE_MAX, 0));
      return { ...decode(text), modified: stats.mtimeMs / 1000 };
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // Counting anew is always right.
  }
}

/** A text of SIZE_FILE_MAX characters is one that was cut off. */
export function decode(text: string): Omit<SizeFile, 'modified'> {
  const [first = '', ...rest] = text.split('\n');
  const quota = parseQuota(first);
  const last = rest.pop(); // '' behind the last LF
  const broken = { quota, usage: undefined, totals: rest.length };
  if (last !== '' || rest.length === 0 || text.length >= SIZE_FILE_MAX) return broken;
  let usage: Usage = { bytes: 0, messages: 0 };
  for (const line of rest) {
    const [, bytes, messages] = /^ *(-?[0-9]{1,15}) +(-?[0-9]{1,15}) *$/.exec(line) ?? [];
    if (bytes === undefined) return broken;
    usage = sumOf(usage, { bytes: Number(bytes), messages: Number(messages) });
  }
  return usage.bytes < 0 || usage.messages < 0 ? broken : { quota, usage, totals: rest.length };
}

function encodeTotal({ bytes, messages }: Usage): string {
  return `${`${bytes} ${messages}`.padStart(13)}\n`;
}

/** Adds a total to the file, if there is one. Never throws: where it cannot, the file is to be counted anew. */
export function appendTotal(maildir: Path, change: Usage): void {
  const flags =
    constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const line = encodeTotal(change);
  try {
    const fd = openSync(pathOf(maildir), flags);
    try {
      // A part of a line is seen to be broken. Where nobody reads the file, it must not grow for ever.
      const stats = fstatSync(fd);
      if (stats.isFile() && stats.size < SIZE_FILE_MAX) writeSync(fd, line);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') distrustSizeFile(maildir);
  }
}

/** Lets the next who needs the totals count. Never throws. */
export function distrustSizeFile(maildir: Path): void {
  const quota = readSizeFile(maildir)?.quota;
  if (quota === undefined) return;
  const nothing = encodeTotal({ bytes: 0, messages: 0 });
  const totals = nothing.repeat(Math.ceil(SIZE_FILE_MAX / nothing.length));
  try {
    replace(maildir, `${formatQuota(quota)}\n${totals}`);
  } catch {
    // The disk is full, or it is not ours. Other rules lead to a count sooner or later.
  }
}

/** Puts a new file in the place of the old. Throws a system error; the old one is as it was then. */
export function replaceSizeFile(maildir: Path, quota: Quota, usage: Usage): void {
  replace(maildir, `${formatQuota(quota)}\n${encodeTotal(usage)}`);
}

function replace(maildir: Path, text: string): void {
  const tmp = inside(maildir, 'tmp', uniqueName());
  const fd = createExclusiveSync(tmp, MODE);
  try {
    try {
      fchmodSync(fd, MODE);
      writeFullySync(fd, Buffer.from(text));
    } finally {
      closeSync(fd);
    }
    renameSync(tmp, pathOf(maildir));
  } catch (error) {
    unlinkQuietly(tmp);
    throw error;
  }
}

/** Takes the quota away too. Never throws. */
export function removeSizeFile(maildir: Path): void {
  unlinkQuietly(pathOf(maildir));
}

function pathOf(maildir: Path): Buffer {
  return inside(maildir, 'maildirsize');
}

function unlinkQuietly(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not ours.
  }
}
