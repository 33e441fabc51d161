// The two ways in which a message waits for the disk.

import { fsyncSync } from 'node:fs';
import { type DirectorySync, fsyncDirSync, fsyncFd } from '@q/fsx';

/** Each resolves when what it is given is durable; rejects or throws the system error. */
export interface Syncs {
  file(fd: number): Promise<void> | void;
  /** The names that are in the directory now. */
  directory(path: string): Promise<void> | void;
}

/** For a message that is alone: without any other thread, and done when they return. */
export const AT_ONCE: Syncs = {
  file: fsyncSync,
  directory: fsyncDirSync,
};

/** For several at a time: side by side, those of a directory together. */
export function besideOthers(directories: DirectorySync): Syncs {
  return { file: fsyncFd, directory: (path) => directories.sync(path) };
}
