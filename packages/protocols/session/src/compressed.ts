// A connection whose bytes are compressed both ways (RFC 4978, DEFLATE of RFC 1951): what stands between the connection and its
// socket. What comes in is inflated only as far as it is asked for, so a few bytes that stand for gigabytes cost nothing.

import { Writable } from 'node:stream';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import type { Source } from '@q/net';
import { DEFLATE_MEMORY, DEFLATE_WINDOW, ZLIB_CHUNK } from './limits.ts';
import { streamSource } from './source.ts';

/** What `inner` gives, inflated; `first` came before it. Bytes that are no DEFLATE are the end of input. */
export function inflatedSource(inner: Source, first: Buffer): Source {
  const inflate = createInflateRaw({ chunkSize: ZLIB_CHUNK });
  const outer = streamSource(inflate);
  const feed = (): void => {
    const chunk = inner.take();
    if (chunk !== undefined) {
      // The callback comes when all of it was asked for.
      inflate.write(chunk, () => feed());
      return;
    }
    if (inner.ended) inflate.end();
    else
      inner.onReady(() => {
        inner.onReady(undefined);
        feed();
      });
  };
  inflate.once('close', () => inner.onReady(undefined));
  if (first.length > 0) inflate.write(first, () => feed());
  else feed();
  return {
    take: () => outer.take(),
    lend: () => outer.lend(),
    detach: () => undefined,
    onReady: (wake) => outer.onReady(wake),
    get ended() {
      return outer.ended;
    },
    release: () => {
      outer.release();
      inner.release();
    },
    close: () => {
      outer.close();
      inner.close();
    },
  };
}

/** What is written there goes to `inner`, deflated; each write can be read by the peer when it has come. */
export function deflatedOutput(inner: Writable): Writable {
  const deflate = createDeflateRaw({
    windowBits: DEFLATE_WINDOW,
    memLevel: DEFLATE_MEMORY,
    chunkSize: ZLIB_CHUNK,
  });
  deflate.on('data', (chunk: Buffer) => void inner.write(chunk));
  /** When the peer has taken most of what is there. */
  const drained = (done: (error?: Error | null) => void) => {
    if (!inner.writableNeedDrain || inner.destroyed) done();
    else inner.once('drain', () => done());
  };
  const outer = new Writable({
    highWaterMark: inner.writableHighWaterMark,
    writev: (parts, done) => {
      for (const { chunk } of parts) deflate.write(chunk);
      deflate.flush(constants.Z_SYNC_FLUSH, () => drained(done));
    },
    final: (done) => {
      deflate.end(() => inner.end(done));
    },
    destroy: (error, done) => {
      deflate.destroy();
      inner.destroy();
      done(error);
    },
  });
  deflate.on('error', (error) => outer.destroy(error));
  inner.once('close', () => outer.destroy());
  inner.on('error', (error) => outer.destroy(error));
  return outer;
}
