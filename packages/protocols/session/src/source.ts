// Where a connection's bytes come from: a stream, or a descriptor that is read one byte at a time
// because a child process will inherit it and must find the rest.

import { read } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** Bytes on demand. Nothing is taken from the other side faster than it is asked for, but for one buffer. */
export interface Source {
  /** What is there now; undefined when nothing is there yet, or nothing will ever be again. */
  take(): Buffer | undefined;
  /** True once nothing more will come: end of file, or an error, which is the same to a session. */
  readonly ended: boolean;
  /** Calls `wake` when take() or ended may have changed; undefined withdraws the wish. */
  onReady(wake: (() => void) | undefined): void;
  /** Stops reading and lets the process end; the descriptor stays open for a child. */
  release(): void;
  /** Stops reading and closes. */
  close(): void;
}

/** A source over any readable stream. */
export function streamSource(stream: Readable & { unref?(): unknown }): Source {
  let stirred = true;
  let wake: (() => void) | undefined;
  const stir = () => {
    stirred = true;
    wake?.();
  };
  // An error means that the peer is gone: it is seen as the end of input.
  for (const event of ['readable', 'end', 'close', 'error']) stream.on(event, stir);
  return {
    take() {
      const chunk: Buffer | null = stream.read();
      if (chunk === null) stirred = false;
      return chunk ?? undefined;
    },
    get ended() {
      return stream.readableEnded || stream.destroyed;
    },
    onReady(call) {
      wake = call;
      if (call !== undefined && (stirred || this.ended))
        queueMicrotask(() => wake === call && call());
    },
    release() {
      stream.off('readable', stir);
      stream.pause();
      stream.unref?.();
    },
    close() {
      stream.destroy();
    },
  };
}

/**
 * A source over a pipe or socket descriptor that never reads more than one byte ahead of what was
 * asked for. The byte buffer and the `false` answer make libuv stop after each single read.
 */
export function singleByteSource(fd: number): Source & { readonly socket: Socket } {
  let byte: Buffer | undefined;
  let ended = false;
  let wake: (() => void) | undefined;
  const end = () => {
    ended = true;
    wake?.();
  };
  const socket = new Socket({
    fd,
    readable: true,
    // Never written to; but a socket with nothing left to do would close the descriptor at the end of input.
    writable: true,
    allowHalfOpen: true,
    manualStart: true,
    onread: {
      buffer: Buffer.alloc(1),
      callback(count: number, buffer: Uint8Array) {
        if (count > 0) byte = Buffer.from(buffer.subarray(0, 1));
        wake?.();
        return false;
      },
    },
  } as ConstructorParameters<typeof Socket>[0]);
  for (const event of ['end', 'close', 'error']) socket.on(event, end);
  return {
    socket,
    take() {
      const taken = byte;
      byte = undefined;
      return taken;
    },
    get ended() {
      return ended;
    },
    onReady(call) {
      wake = call;
      if (call === undefined) return;
      if (byte !== undefined || ended) queueMicrotask(() => wake === call && call());
      else socket.resume();
    },
    release() {
      socket.pause();
      socket.unref();
    },
    close() {
      socket.destroy();
    },
  };
}

/** A source over a regular file or device, `step` bytes a read, from the descriptor's own offset. */
export function fileSource(fd: number, step: number): Source {
  let chunk: Buffer | undefined;
  let ended = false;
  let reading = false;
  let wake: (() => void) | undefined;
  const start = () => {
    reading = true;
    read(fd, Buffer.allocUnsafe(step), 0, step, null, (error, count, buffer) => {
      reading = false;
      if (error !== null || count === 0) ended = true;
      else chunk = buffer.subarray(0, count);
      wake?.();
    });
  };
  return {
    take() {
      const taken = chunk;
      chunk = undefined;
      return taken;
    },
    get ended() {
      return ended;
    },
    onReady(call) {
      wake = call;
      if (call === undefined) return;
      if (chunk !== undefined || ended) queueMicrotask(() => wake === call && call());
      else if (!reading) start();
    },
    release() {},
    close() {
      ended = true;
    },
  };
}
