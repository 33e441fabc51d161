// The file of a message, opened for reading. A link that leads to a file is a message as well, as for qmail-pop3d and Courier;
// nothing else is read, and nothing waited for.

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import type { OpenMessage } from './model.ts';

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Undefined for what is no file. Throws a system error. */
export function openMessageFile(path: string | Buffer): OpenMessage | undefined {
  const fd = openSync(path, FLAGS);
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) return { fd, size: stats.size, time: Math.floor(stats.mtimeMs) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

/** Gone; or a link that leads nowhere or round in a circle, or a socket. */
export function isNoMessage(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '');
}
