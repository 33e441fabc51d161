// The messages of a maildir. Delivery agents, other readers and hostile mail share these directories, so
// anything may be in them and everything may change during the scan.

import { type Dir, type Dirent, lstatSync, opendirSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf, faultOf } from '@q/fault';
import type { Path } from '@q/fsx';
import { SCAN_BATCH, STAT_BATCH } from './limits.ts';
import { parseName } from './name.ts';
import { inside } from './paths.ts';

export interface Entry {
  readonly dir: 'new' | 'cur';
  /** The file's name, latin1 text. */
  readonly name: string;
  readonly unique: string;
  /** Flag letters in ASCII order. */
  readonly flags: string;
  /** What the name claims, in bytes; statEntry() knows. */
  readonly size: number | undefined;
}

/**
 * The regular files in new and cur whose names do not start with a dot, and links that lead to one, in no order,
 * without a stat for each. A message moved from new to cur meanwhile is there once. Throws a fault if a directory cannot be read.
 */
export async function scanMaildir(maildir: Path): Promise<Entry[]> {
  // In this order nothing is missed: messages only move from new to cur.
  const fresh = await entriesOf(maildir, 'new');
  const seen = await entriesOf(maildir, 'cur');
  if (fresh.length === 0) return seen;
  const inCur = new Set(seen.map(({ unique }) => unique));
  const entries: Entry[] = [];
  for (const entry of fresh) {
    if (inCur.has(entry.unique) && isGone(maildir, entry)) continue;
    entries.push(entry);
  }
  for (const entry of seen) entries.push(entry);
  return entries;
}

async function entriesOf(maildir: Path, dir: 'new' | 'cur'): Promise<Entry[]> {
  const path = inside(maildir, dir);
  try {
    return (await namesOf(path)).map((name) => {
      const { unique, flags, size } = parseName(name);
      return { dir, name, unique, flags, size };
    });
  } catch (error) {
    throw faultOf(error, `unable to scan ${path.toString('latin1')}`);
  }
}

/** Types come with the names on every usual file system; then no file is looked at. */
async function namesOf(path: Buffer): Promise<string[]> {
  const names: string[] = [];
  // At once, some at a time: a promise for each name costs three times as much as all the rest.
  const directory = openDirectory(path);
  try {
    for (let looks = 1; ; looks++) {
      const found = directory.readSync();
      if (found === null) return names;
      if (!found.name.startsWith('.') && isMessage(path, found)) names.push(found.name);
      if (looks % SCAN_BATCH === 0) await nextTurn();
    }
  } catch (error) {
    if (!isTypeMissing(error)) throw error;
  } finally {
    directory.closeSync();
  }
  return await namesByStat(path);
}

function isMessage(directory: Buffer, found: Dirent): boolean {
  return found.isFile() || (found.isSymbolicLink() && leadsToFile(directory, found.name));
}

/** A link that leads nowhere, in a circle or out of reach is no message; qmail-pop3d passes over what it cannot stat, too. */
function leadsToFile(directory: Buffer, name: string): boolean {
  try {
    return statSync(inside(directory, name), QUIETLY)?.isFile() === true;
  } catch {
    return false;
  }
}

function openDirectory(path: Buffer): Dir {
  // Node's types do not know that a path may be a Buffer.
  return opendirSync(path as unknown as string, { encoding: 'latin1', bufferSize: SCAN_BATCH });
}

/**
 * Where names come without types Node looks at the file itself. It cannot, as the name is latin1 and the path bytes;
 * or the file went before it could.
 */
function isTypeMissing(error: unknown): boolean {
  return error instanceof TypeError || errnoOf(error) === 'ENOENT';
}

async function namesByStat(path: Buffer): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdir(path, 'latin1')) {
    if (name.startsWith('.')) continue;
    if (leadsToFile(path, name)) names.push(name);
    if (names.length % STAT_BATCH === 0) await nextTurn();
  }
  return names;
}

function isGone(maildir: Path, entry: Entry): boolean {
  return lstatSync(inside(maildir, entry.dir, entry.name), QUIETLY) === undefined;
}

/** A file that vanished is an answer, not an error. */
const QUIETLY = { throwIfNoEntry: false } as const;
