// Standard input of qmail-inject and predate: read once from its beginning to its end, in blocks.

import { fstatSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '@q/fault';
import { readFd } from '@q/fsx';
import { BLOCK, NONBLOCKING_POLL_MS } from './limits.ts';
import { readError } from './settings.ts';

/** The bytes of `fd`. A block holds until the next is asked for. Throws Temporary. */
export async function* readInput(fd: number): AsyncGenerator<Buffer, void, undefined> {
  if (wasClosed(fd)) throw readError(new Error(`descriptor ${fd} is closed`));
  const block = Buffer.allocUnsafe(BLOCK);
  for (;;) {
    let n: number;
    try {
      n = await readFd(fd, block, 0, BLOCK, null);
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'EAGAIN' && code !== 'EINTR') throw readError(error);
      await sleep(NONBLOCKING_POLL_MS);
      continue;
    }
    if (n === 0) return;
    yield block.subarray(0, n);
  }
}

const ACCESS_MODE = 0o3;
const READ_AND_WRITE = 0o2;

/**
 * Node puts /dev/null in the place of a closed descriptor, for reading and writing; who gives us /dev/null on purpose
 * gives it for reading. An empty message must not go out because a caller lost its descriptors.
 */
function wasClosed(fd: number): boolean {
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
