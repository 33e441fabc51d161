// A file's bytes as a stream of buffers, one read at a time.

import { readFd } from './fd.ts';

const CHUNK = 65536;

/**
 * The bytes of `fd` up to its end. A chunk holds until the next is asked for: its buffer is used again, or
 * a big file would leave tens of megabytes for the collector. With a `position` (bytes) the shared offset
 * is neither used nor moved; null reads from where it stands, as a pipe must be.
 */
export async function* readChunks(
  fd: number,
  position: number | null,
): AsyncGenerator<Buffer, void, undefined> {
  const chunk = Buffer.allocUnsafe(CHUNK);
  for (let at = position; ; ) {
    const n = await readFd(fd, chunk, 0, CHUNK, at);
    if (n === 0) return;
    if (at !== null) at += n;
    yield chunk.subarray(0, n);
  }
}
