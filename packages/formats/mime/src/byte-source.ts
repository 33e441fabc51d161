// A message file as something to read ranges from: bytes at hand, or an open file.

import { Temporary } from '@q/fault';
import { readFd } from '@q/fsx';

/** Gives the bytes from `start` to `end` (offsets in the file) in pieces. A piece holds until the next is asked for. */
export type ByteSource = (start: number, end: number) => AsyncIterable<Buffer> | Iterable<Buffer>;

/** A message that is in memory. */
export function bufferSource(bytes: Buffer): ByteSource {
  return (start, end) => [bytes.subarray(start, end)];
}

/**
 * A file that others may have changed meanwhile: it is never read past `end`, and when it has become too short the
 * reader gets a Temporary, not fewer bytes than a literal was announced with.
 */
export function fileSource(fd: number): ByteSource {
  return (start, end) => readRange(fd, start, end);
}

async function* readRange(fd: number, start: number, end: number): AsyncGenerator<Buffer> {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(0, end - start)));
  for (let at = start; at < end; ) {
    const n = await readFd(fd, chunk, 0, Math.min(chunk.length, end - at), at);
    if (n === 0) throw new Temporary('message file has become shorter');
    at += n;
    yield chunk.subarray(0, n);
  }
}

const CHUNK = 65536;
