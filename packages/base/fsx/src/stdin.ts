// Standard input of programs for which an empty one means something: a message, a table.

import { fstatSync, readFileSync, statSync } from 'node:fs';
import { readChunks } from './chunks.ts';

/** readChunks of descriptor 0. Throws EBADF when whoever started us had closed it. */
export async function* stdinChunks(
  position: number | null,
): AsyncGenerator<Buffer, void, undefined> {
  if (wasClosed(0))
    throw Object.assign(new Error('EBADF: bad file descriptor, read'), { code: 'EBADF' });
  yield* readChunks(0, position);
}

const ACCESS_MODE = 0o3;
const READ_AND_WRITE = 0o2;

/**
 * Node puts /dev/null in the place of a descriptor (0-2) that was closed when it started, for reading and writing; who
 * gives us /dev/null on purpose gives it for reading. A caller that lost its descriptors has not sent an empty message.
 */
export function wasClosed(fd: number): boolean {
  const stats = fstatSync(fd);
  if (!stats.isCharacterDevice()) return false;
  try {
    if (stats.rdev !== statSync('/dev/null').rdev) return false;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
    return (Number.parseInt(flags?.[1] ?? '0', 8) & ACCESS_MODE) === READ_AND_WRITE;
  } catch {
    return false; // No /proc: nothing can be told.
  }
}
