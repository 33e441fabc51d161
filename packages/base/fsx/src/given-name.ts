// link(2) and rename(2) that are believed by what they leave, not by what they say: over NFS, whose answers get lost, and
// on a failing disk they may be done and report an error (open(2) has the same advice for lock files). A message that is
// there although its copy "failed" would be a double; one that "could not be moved" and is gone from its place looks lost.

import { type BigIntStats, linkSync, lstatSync, renameSync } from 'node:fs';
import type { Path } from './fd.ts';

/** Which file it is, under whatever name. */
export type FileIdentity = Pick<BigIntStats, 'dev' | 'ino'>;

/** link(2). Throws its error unless `to` is the same file as `from` now. */
export function giveLink(from: Path, to: Path): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!isSameFile(from, to)) throw error;
  }
}

/** rename(2) of `file`. Throws its error unless `to` is that file now, and `from` is not. */
export function giveName(from: Path, to: Path, file: FileIdentity): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isFile(to, file) || isFile(from, file)) throw error;
  }
}

/** Whether both are names of one file, no links being followed. False also where one cannot look. */
export function isSameFile(one: Path, other: Path): boolean {
  const file = identityOf(one);
  return file !== undefined && isFile(other, file);
}

/** False also where one cannot look. */
function isFile(path: Path, { dev, ino }: FileIdentity): boolean {
  const there = identityOf(path);
  return there !== undefined && there.dev === dev && there.ino === ino;
}

function identityOf(path: Path): FileIdentity | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
