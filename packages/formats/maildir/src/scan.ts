// The messages of a maildir. Delivery agents, other readers and hostile mail share these directories, so
// anything may be in them and everything may change during the scan.

import { lstat, opendir, readdir } from 'node:fs/promises';
import { errnoOf, faultOf } from '@q/fault';
import type { Path } from '@q/fsx';
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
 * The regular files in new and cur whose names do not start with a dot, in no order, without a stat for
 * each. A message moved from new to cur meanwhile is there once. Throws a fault if a directory cannot be read.
 */
export async function scanMaildir(maildir: Path): Promise<Entry[]> {
  // In this order nothing is missed: messages only move from new to cur.
  const fresh = await entriesOf(maildir, 'new');
  const seen = await entriesOf(maildir, 'cur');
  if (fresh.length === 0) return seen;
  const inCur = new Set(seen.map(({ unique }) => unique));
  const entries: Entry[] = [];
  for (const entry of fresh) {
    if (inCur.has(entry.unique) && (await isGone(maildir, entry))) continue;
    entries.push(entry);
  }
  for (const entry of seen) entries.push(entry);
  return entries;
}

async function entriesOf(maildir: Path, dir: 'new' | 'cur'): Promise<Entry[]> {
  const path = inside(maildir, dir);
  try {
    return (await namesOf(path)).map((name) => ({ dir, name, ...parseName(name) }));
  } catch (error) {
    throw faultOf(error, `unable to scan ${path.toString('latin1')}`);
  }
}

/** Types come with the names on every usual file system; then no file is looked at. */
async function namesOf(path: Buffer): Promise<string[]> {
  const names: string[] = [];
  try {
    // Node's types do not know that opendir takes 'buffer'. With latin1 it could not ask for a missing type.
    const encoding = 'buffer' as BufferEncoding;
    for await (const found of await opendir(path, { encoding, bufferSize: 512 })) {
      const name = (found.name as unknown as Buffer).toString('latin1');
      if (found.isFile() && !name.startsWith('.')) names.push(name);
    }
    return names;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    // The directory is gone; or it has no types, and a file went before Node could ask for its type.
    return await namesByStat(path);
  }
}

async function namesByStat(path: Buffer): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdir(path, 'latin1')) {
    if (name.startsWith('.')) continue;
    const stats = await lstatIfThere(inside(path, name));
    if (stats?.isFile()) names.push(name);
  }
  return names;
}

async function isGone(maildir: Path, entry: Entry): Promise<boolean> {
  return (await lstatIfThere(inside(maildir, entry.dir, entry.name))) === undefined;
}

async function lstatIfThere(path: Buffer) {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
