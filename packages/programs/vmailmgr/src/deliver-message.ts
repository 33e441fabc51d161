// The message on descriptor 0. It is read by position, so that nothing depends on what a hook did to the
// offset; only hooks get it rewound.

import { fstatSync } from 'node:fs';
import { errnoText, Temporary } from '@q/fault';
import { readChunks, rewindFd } from '@q/fsx';

/** The message from its beginning; a chunk holds until the next is asked for. Throws Temporary. */
export async function* messageBytes(fd = 0): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* readChunks(fd, 0);
  } catch (cause) {
    throw new Temporary(`Unable to read message: ${errnoText(cause)}`, { cause });
  }
}

/** Puts the descriptor's own offset to the beginning, for a hook. Throws Temporary when it is not a file. */
export function rewindMessage(fd = 0): void {
  try {
    rewindFd(fd);
  } catch (cause) {
    throw new Temporary('Unable to rewind message', { cause });
  }
}

/** Its bytes. Throws Temporary when descriptor 0 is not a file. */
export function messageSize(fd = 0): number {
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) return stats.size;
  } catch (cause) {
    throw new Temporary(`Unable to read message: ${errnoText(cause)}`, { cause });
  }
  throw new Temporary('Unable to read message: it is not in a file');
}
