// Makes a new user's directory: a maildir, or a plain directory for an alias (its autoresponse lives there).

import { lstatSync, mkdirSync, readdirSync, rmdirSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { bytesOf } from '@q/bytes';
import { errnoOf, errnoText, Permanent } from '@q/fault';
import { fsyncDir } from '@q/fsx';
import { makeMaildir } from '@q/maildir';

/** qmail and all our programs come as the owner; cur, new and tmp are 0755 as VMailMgr makes them. */
const PARENT_MODE = 0o755;
const MODES = { directory: 0o700, inner: 0o755 };
const INNER = ['cur', 'new', 'tmp'] as const;

export type DirectoryKind = 'maildir' | 'plain';

/**
 * Makes `directory` (latin1, relative to the home) and what is missing above it, durably. An empty
 * maildir of that name is what an interrupted run left, and is taken over. Throws Permanent for anything
 * else that is there: a deleted user's mail must not become a new user's.
 */
export async function makeMailbox(directory: string, kind: DirectoryKind): Promise<void> {
  try {
    await makeParents(posix.dirname(posix.normalize(directory)));
    if (kindOf(directory) === 'left over') removeEmpty(directory);
    if (kind === 'maildir') await makeMaildir(bytesOf(directory), MODES);
    else mkdirSync(bytesOf(directory), MODES.directory);
    await fsyncDir(bytesOf(posix.dirname(directory)));
  } catch (error) {
    const why = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const reason = errnoOf(why) === 'EEXIST' ? 'it is there already' : errnoText(why);
    throw new Permanent(`Can't create the mail directory '${directory}': ${reason}`, {
      cause: error,
    });
  }
}

/** Makes `directory` where there is nothing; what is there is left as it is, whatever it is. Throws Permanent. */
export async function ensureMailbox(directory: string, kind: DirectoryKind): Promise<void> {
  if (kindOf(directory) === 'missing') await makeMailbox(directory, kind);
}

/** True when `directory` is one that makeMailbox made and nobody has used yet. */
export function isFreshMailbox(directory: string, kind: DirectoryKind): boolean {
  if (kindOf(directory) !== 'left over') return false;
  return kind === 'plain' || INNER.every((inner) => isThere(`${directory}/${inner}`));
}

function isThere(path: string): boolean {
  return lstatSync(bytesOf(path), { throwIfNoEntry: false }) !== undefined;
}

async function makeParents(path: string): Promise<void> {
  if (path === '.' || path === '/' || lstatSync(bytesOf(path), { throwIfNoEntry: false })) return;
  const parent = posix.dirname(path);
  await makeParents(parent);
  mkdirSync(bytesOf(path), PARENT_MODE);
  await fsyncDir(bytesOf(parent));
}

/** 'left over': a directory with nothing in it but empty cur, new and tmp. */
function kindOf(directory: string): 'missing' | 'left over' | 'in use' {
  const stats = statOf(directory);
  if (stats === undefined) return 'missing';
  if (!stats.isDirectory()) return 'in use';
  const names = readdirSync(bytesOf(directory), { encoding: 'latin1' });
  const empty = names.every(
    (name) => INNER.some((inner) => inner === name) && isEmptyDirectory(`${directory}/${name}`),
  );
  return empty ? 'left over' : 'in use';
}

/** Undefined also when what is above is no directory: making it then says why not. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(bytesOf(path), { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function isEmptyDirectory(path: string): boolean {
  const isDirectory = lstatSync(bytesOf(path)).isDirectory();
  return isDirectory && readdirSync(bytesOf(path)).length === 0;
}

/** rmdir(2) removes only what is empty: mail that comes meanwhile is safe. */
function removeEmpty(directory: string): void {
  for (const inner of INNER) {
    try {
      rmdirSync(bytesOf(`${directory}/${inner}`));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  rmdirSync(bytesOf(directory));
}
