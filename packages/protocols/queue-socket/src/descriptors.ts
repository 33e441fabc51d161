// The contract of qmail-queue with whoever runs it: the message on fd 0 up to its end, then the envelope
// on fd 1 up to its final NUL. Both are read as plain descriptors: mentioning process.stdout would make
// Node write-only use of fd 1.

import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, errnoText, Temporary } from '@q/fault';
import { readFd } from '@q/fsx';
import { QueueExit } from './exit-text.ts';
import { BLOCK, NONBLOCKING_POLL_MS } from './limits.ts';
import type { Queued, QueueSink } from './server.ts';

/** A sink that knows where its envelope ends, since fd 1 may stay open behind it. */
export interface EnvelopeAwareSink extends QueueSink {
  readonly envelopeDone: boolean;
}

/** Feeds fd 0 and fd 1 to `sink` and commits. On a rejection the sink has been aborted. */
export async function queueDescriptors(
  sink: EnvelopeAwareSink,
  fds: { readonly message: number; readonly envelope: number } = { message: 0, envelope: 1 },
): Promise<Queued> {
  const block = Buffer.allocUnsafe(BLOCK);
  try {
    for (;;) {
      const bytes = await next(fds.message, block);
      if (bytes.length === 0) break;
      await sink.write(bytes);
    }
    await sink.endMessage();
    while (!sink.envelopeDone) {
      const bytes = await next(fds.envelope, block);
      if (bytes.length === 0) break; // commit() says that the envelope is incomplete
      await sink.writeEnvelope(bytes);
    }
    return await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** The next bytes of a descriptor, in `block`; empty at its end. */
async function next(fd: number, block: Buffer): Promise<Buffer> {
  for (;;) {
    try {
      return block.subarray(0, await readFd(fd, block, 0, block.length, null));
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EINTR') continue;
      if (code !== 'EAGAIN')
        throw new Temporary(`unable to read fd ${fd}: ${errnoText(error)}`, {
          cause: error,
          exitCode: QueueExit.READ_ERROR,
        });
    }
    // Non-blocking, and not ours to change: others may share the open file.
    await sleep(NONBLOCKING_POLL_MS);
  }
}
