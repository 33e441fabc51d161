// Names in queue directories, a few at a time: a queue may hold a hundred thousand messages and more.

import { opendirSync } from 'node:fs';
import { isMessageId, type QueueDirectory, type QueuePaths, SPLIT, splitOf } from '@q/queue-files';
import { soft } from '../trouble.ts';

const READDIR_BATCH = 512;

/** Directories with SPLIT subdirectories. */
export type SplitDirectory = 'mess' | 'info' | 'local' | 'remote';

/** Every entry's name as the directory gives it. Throws a fault when it cannot be read. */
export function* namesIn(path: string): Generator<string, void, void> {
  try {
    const directory = opendirSync(path, { bufferSize: READDIR_BATCH });
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync())
        yield entry.name;
    } finally {
      directory.closeSync();
    }
  } catch (error) {
    throw soft(error, `unable to read ${path}`);
  }
}

/** The message numbers in a directory that is not split. */
export function* idsIn(paths: QueuePaths, name: QueueDirectory): Generator<string, void, void> {
  for (const entry of namesIn(paths.directory(name))) if (isMessageId(entry)) yield entry;
}

/** The message numbers in a split directory, those that are where they belong. */
export function* splitIds(paths: QueuePaths, name: SplitDirectory): Generator<string, void, void> {
  for (let split = 0; split < SPLIT; split++) {
    for (const entry of namesIn(paths.splitDirectory(name, split)))
      if (isMessageId(entry) && splitOf(entry) === split) yield entry;
  }
}
