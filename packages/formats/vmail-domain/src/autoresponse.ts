// A virtual user's autoresponse: one file in a directory inside the mailbox. vdeliver and its hooks answer
// mail with it while it is there under its own name; nothing of it is in the record.
//
//   users/joe/autoresponse/message.txt            enabled
//   users/joe/autoresponse/message.txt.disabled   disabled: kept for another time
//   users/joe/autoresponse/message.txt.lock       being written
//
// Names by the settings autoresponse-dir and autoresponse-file. The directory also keeps who was answered.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { posix } from 'node:path';
import { bytesOf } from '@q/bytes';
import { errnoOf, faultOf, Permanent } from '@q/fault';
import { closeFd, createExclusive, fsyncDir, fsyncFd, writeFully } from '@q/fsx';
import type { Domain } from './domain.ts';
import { AUTORESPONSE_MAX } from './limits.ts';

/** VMailMgr's words, spelt as clients compare them. */
export type AutoresponseStatus = 'enabled' | 'disabled' | 'missing message file' | 'nonexistant';

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

/** All throw faults with texts for the user. */
export interface Autoresponse {
  status(): AutoresponseStatus;
  /** The first AUTORESPONSE_MAX bytes of the message, enabled or not. Throws Permanent when there is none. */
  read(): Buffer;
  /** Replaces the message durably. Throws Permanent while the autoresponse is disabled. */
  write(message: Buffer): Promise<void>;
  enable(): Promise<void>;
  disable(): Promise<void>;
  /** With everything remembered about who was answered. */
  delete(): void;
}

/** The autoresponse of the user whose mailbox `mailbox` (latin1, relative to the home) is. */
export function openAutoresponse(domain: Domain, mailbox: string): Autoresponse {
  if (mailbox === '') throw new Permanent('User has no directory for an autoresponse');
  const { settings } = domain;
  const directory = posix.join(mailbox, settings.directory('autoresponse-dir'));
  const message = posix.join(directory, settings.string('autoresponse-file'));
  const disabled = `${message}.disabled`;

  const status = (): AutoresponseStatus => {
    if (!isThere(directory)) return 'nonexistant';
    if (isThere(message)) return 'enabled';
    return isThere(disabled) ? 'disabled' : 'missing message file';
  };
  return {
    status,
    read: () => {
      const bytes = contentOf(message) ?? contentOf(disabled);
      if (bytes === undefined) throw new Permanent('Could not open the autoresponse file');
      return bytes;
    },
    write: async (bytes) => {
      if (status() === 'disabled')
        throw new Permanent('Autoresponse is disabled, reenable it before writing a new message');
      await makeDirectory(directory);
      await replace(message, bytes);
    },
    enable: () => rename(disabled, message, 'enabled'),
    disable: () => rename(message, disabled, 'disabled'),
    delete: () => rmSync(bytesOf(directory.replace(/\/+$/, '')), { recursive: true, force: true }),
  };
}

function isThere(path: string): boolean {
  return lstatSync(bytesOf(path), { throwIfNoEntry: false }) !== undefined;
}

/** Undefined when there is no such file. A FIFO or device in its place is not waited for. */
function contentOf(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(bytesOf(path), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw faultOf(error, 'Could not open the autoresponse file');
  }
  try {
    if (!fstatSync(fd).isFile()) throw new Permanent('The autoresponse file is not a regular file');
    const buffer = Buffer.alloc(AUTORESPONSE_MAX);
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(fd);
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    mkdirSync(bytesOf(directory), { mode: DIRECTORY_MODE });
    await fsyncDir(bytesOf(posix.dirname(directory.replace(/\/+$/, ''))));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw faultOf(error, 'Could not create the autoresponse dir');
  }
}

/** The lock is also the new file: a writer that died leaves one, which the next writer takes away. */
async function replace(path: string, bytes: Buffer): Promise<void> {
  const lock = `${path}.lock`;
  try {
    rmSync(bytesOf(lock), { force: true });
    const fd = await createExclusive(bytesOf(lock), FILE_MODE);
    try {
      await writeFully(fd, bytes);
      await fsyncFd(fd);
    } finally {
      await closeFd(fd);
    }
    renameSync(bytesOf(lock), bytesOf(path));
    await fsyncDir(bytesOf(posix.dirname(path)));
  } catch (error) {
    throw faultOf(error, 'Could not write the autoresponse file');
  }
}

/** Renames, unless it is so already. */
async function rename(from: string, to: string, done: string): Promise<void> {
  if (!isThere(from)) {
    if (isThere(to)) return;
    throw new Permanent(`There is no autoresponse that could be ${done}`);
  }
  try {
    renameSync(bytesOf(from), bytesOf(to));
    await fsyncDir(bytesOf(posix.dirname(to)));
  } catch (error) {
    throw faultOf(error, 'Could not rename the autoresponse file');
  }
}
