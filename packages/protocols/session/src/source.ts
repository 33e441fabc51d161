// Where a connection's bytes come from: a stream, or a descriptor that is read one byte at a time
// because a child process will inherit it and must find the rest.

import { read } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { Arrivals, type Source } from '@q/net';
import { AHEAD_MAX } from './limits.ts';

/** A source over any readable stream. */
export function streamSource(stream: Readable & { unref?(): unknown }): Source {
  return new StreamSource(stream);
}

/**
 * A source over a pipe or socket descriptor that never reads more than one byte ahead of what was
 * asked for.
 */
export function singleByteSource(fd: number): Source & { readonly socket: Socket } {
  return new SingleByteSource(fd);
}

/** A source over a regular file or device, `step` bytes a read, from the descriptor's own offset. */
export function fileSource(fd: number, step: number): Source {
  return new FileSource(fd, step);
}

/** A stream gives by itself, and is told to pause while its bytes are not taken. */
class StreamSource extends Arrivals {
  readonly #stream: Readable & { unref?(): unknown };
  #paused = false;

  constructor(stream: Readable & { unref?(): unknown }) {
    super();
    this.#stream = stream;
    // An error means that the peer is gone: it is seen as the end of input.
    const over = () => this.over();
    for (const event of ['end', 'close', 'error']) stream.on(event, over);
    stream.on('data', this.#onData);
    if (stream.readableEnded || stream.destroyed) this.over();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.arrived(chunk);
    if (this.waiting < AHEAD_MAX || this.#paused) return;
    this.#paused = true;
    this.#stream.pause();
  };

  override take(): Buffer | undefined {
    // read() hands what the stream has buffered to the listener above.
    if (this.waiting === 0 && this.#stream.readableLength > 0) this.#stream.read();
    const chunk = super.take();
    if (this.#paused && this.waiting === 0) this.fetch();
    return chunk;
  }

  protected fetch(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#stream.resume();
  }

  release(): void {
    this.#stream.off('data', this.#onData);
    this.#stream.pause();
    this.#stream.unref?.();
  }

  close(): void {
    this.#stream.destroy();
  }
}

/** The byte buffer and the `false` answer make libuv stop after each single read. */
class SingleByteSource extends Arrivals {
  readonly socket: Socket;

  constructor(fd: number) {
    super();
    this.socket = new Socket({
      fd,
      readable: true,
      // Never written to; but a socket with nothing left to do would close the descriptor at the end of input.
      writable: true,
      allowHalfOpen: true,
      manualStart: true,
      onread: {
        buffer: Buffer.alloc(1),
        callback: (count: number, buffer: Uint8Array) => {
          if (count > 0) this.arrived(Buffer.from(buffer.subarray(0, 1)));
          return false;
        },
      },
    } as ConstructorParameters<typeof Socket>[0]);
    for (const event of ['end', 'close', 'error']) this.socket.on(event, () => this.over());
  }

  protected fetch(): void {
    this.socket.resume();
  }

  release(): void {
    this.socket.pause();
    this.socket.unref();
  }

  close(): void {
    this.socket.destroy();
  }
}

class FileSource extends Arrivals {
  readonly #fd: number;
  readonly #step: number;
  #reading = false;

  constructor(fd: number, step: number) {
    super();
    this.#fd = fd;
    this.#step = step;
  }

  protected fetch(): void {
    if (this.#reading) return;
    this.#reading = true;
    const buffer = Buffer.allocUnsafe(this.#step);
    read(this.#fd, buffer, 0, this.#step, null, (error, count) => {
      this.#reading = false;
      if (error !== null || count === 0) this.over();
      else this.arrived(buffer.subarray(0, count));
    });
  }

  release(): void {}

  close(): void {
    this.over();
  }
}
