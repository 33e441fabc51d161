// Reads the directories of a folder. Others deliver, rename and remove in them at the same time: a name may come twice,
// and a file that is renamed meanwhile may not come at all.

import { type Dir, type Dirent, lstatSync, opendirSync, readdirSync, statSync } from 'node:fs';
import { errnoOf, faultOf } from '@q/fault';
import { folderIsGone } from './fault.ts';
import { pathOf, retryStale } from './files.ts';
import { Turns } from './turn.ts';

/** Gives `each` the names that do not begin with a dot; `isMessage` tells if one is that of a regular file, or a link to one. */
export async function scanDirectory(
  path: string,
  each: (name: string, isMessage: () => boolean) => void,
): Promise<void> {
  try {
    if (await scanWithTypes(path, each)) return;
    const turns = new Turns();
    for (const name of readdirSync(path, 'latin1')) {
      if (!name.startsWith('.')) each(name, () => leadsToFile(path, name));
      if (turns.over) await turns.pause();
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw folderIsGone(error);
    throw faultOf(error, 'unable to scan mailbox');
  }
}

/** False when names come without types: Node then looks for itself, and cannot where they are not UTF-8. */
async function scanWithTypes(
  path: string,
  each: (name: string, isMessage: () => boolean) => void,
): Promise<boolean> {
  const turns = new Turns();
  const directory = openDirectory(path);
  try {
    // At once, some at a time: a promise for each name would cost three times as much as all the rest.
    for (;;) {
      const found = nextOf(directory);
      if (found === null) return true;
      if (found === undefined) return false;
      const { name } = found;
      if (!name.startsWith('.')) each(name, () => isMessage(path, found));
      if (turns.over) await turns.pause();
    }
  } finally {
    directory.closeSync();
  }
}

function openDirectory(path: string): Dir {
  return retryStale(() =>
    opendirSync(path, { encoding: 'latin1' as BufferEncoding, bufferSize: 1024 }),
  );
}

function nextOf(directory: Dir): Dirent | null | undefined {
  try {
    return directory.readSync();
  } catch (error) {
    if (error instanceof TypeError || errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isMessage(directory: string, found: Dirent): boolean {
  return found.isFile() || (found.isSymbolicLink() && leadsToFile(directory, found.name));
}

function leadsToFile(directory: string, name: string): boolean {
  try {
    return statSync(pathOf(directory, name), { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false;
  }
}

export function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

/** Whether something has the name. */
export function isThere(directory: string, name: string): boolean {
  try {
    return lstatSync(pathOf(directory, name), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
