// Standard input of qmail-inject and predate: read once from its beginning to its end, in blocks.

import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '@q/fault';
import { readFd, wasClosed } from '@q/fsx';
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
