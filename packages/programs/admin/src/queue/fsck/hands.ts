// Whose hands a repair works with. Renaming, making and unlinking is done as the owner of the directory: whoever
// controls that user could do it anyway, so a trick with a link or a renamed directory gains nothing. Only
// giving a file away is done as root, on a file that is open and was looked at.

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
} from 'node:fs';
import { join } from 'node:path';
import { errnoOf, Permanent } from '@q/fault';
import { fsyncDirSync } from '@q/fsx';
import { SPLIT } from '@q/queue-files';
import type { QueueAccess } from '../access.ts';
import { statIfThere } from '../message.ts';
import { FLAT_DIRECTORIES, type MessageDirectory, SPLIT_DIRECTORIES } from './files.ts';
import { rightsOf } from './judge.ts';

type Role = 'qmailq' | 'qmails';

export class Hands {
  readonly #access: QueueAccess;

  /** Throws Permanent (111) for a caller who can be neither qmailq nor qmails. */
  constructor(access: QueueAccess) {
    this.#access = access;
    // queue/lost is written to by qmailq and qmails.
    process.umask(0o007);
    if (access.ids.single) return;
    if (process.geteuid?.() !== 0)
      throw new Permanent('only root can repair this queue', { exitCode: 111 });
    process.setgroups?.([access.ids.qmail]);
  }

  /** Runs `action`, which must be synchronous, as that user. */
  as<T>(role: Role, action: () => T): T {
    const { ids } = this.#access;
    if (ids.single) return action();
    process.setegid?.(ids.qmail);
    process.seteuid?.(ids[role]);
    try {
      return action();
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
    }
  }

  /** Renames within the directories of one kind; paths are relative to the queue. What is at `to` stays: false. */
  rename(directory: MessageDirectory, from: string, to: string): boolean {
    const { root } = this.#access.paths;
    return this.as(roleOf(directory), () => {
      if (statIfThere(join(root, to)) !== undefined) return false;
      renameSync(join(root, from), join(root, to));
      return true;
    });
  }

  /** Takes a file out of the queue, to queue/lost, under a name that is free. Gives its new path in the queue. */
  lose(directory: MessageDirectory, path: string): string {
    this.#makeLost();
    for (let n = 0; ; n++) {
      const to = `lost/${path.replaceAll('/', '.')}${n === 0 ? '' : `.${n}`}`;
      if (this.rename(directory, path, to)) return to;
    }
  }

  /** fsync of every directory that holds messages' names. */
  syncDirectories(): void {
    const { root } = this.#access.paths;
    const places: string[] = [
      ...FLAT_DIRECTORIES,
      ...SPLIT_DIRECTORIES.flatMap((name) =>
        Array.from({ length: SPLIT }, (_, i) => `${name}/${i}`),
      ),
    ];
    if (statIfThere(join(root, 'lost')) !== undefined) places.push('lost');
    for (const place of places) fsyncDirSync(join(root, place));
  }

  /** Gives a message's file the owner and mode it must have. Throws for what is not a file of its own. */
  own(directory: MessageDirectory, place: string, name: string): void {
    const { ids, paths } = this.#access;
    const { uid, mode } = rightsOf(directory, ids);
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const parent = openSync(join(paths.root, place), flags | constants.O_DIRECTORY);
    try {
      const fd = openSync(`/proc/self/fd/${parent}/${name}`, flags);
      try {
        const stats = fstatSync(fd);
        // intd and todo are two names of one file, pid and mess for a moment: more are somebody's trick.
        if (!stats.isFile() || stats.nlink > 2)
          throw new Permanent('is not a file of the queue alone');
        if (!ids.single && stats.uid !== uid) fchownSync(fd, uid, ids.qmail);
        if ((stats.mode & 0o7777) !== mode) fchmodSync(fd, mode);
      } finally {
        closeSync(fd);
      }
    } finally {
      closeSync(parent);
    }
  }

  #makeLost(): void {
    const path = join(this.#access.paths.root, 'lost');
    this.as('qmailq', () => {
      try {
        mkdirSync(path, { mode: 0o770 });
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      if (!lstatSync(path).isDirectory()) throw new Permanent(`${path} is not a directory`);
    });
  }
}

function roleOf(directory: MessageDirectory): Role {
  return directory === 'mess' || directory === 'todo' || directory === 'intd' ? 'qmailq' : 'qmails';
}
