// Where a connection's bytes come from: a stream, or a descriptor that is read one byte at a time
// because a child process will inherit it and must find the rest.

import { fstatSync, read, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { Duplex, type Readable } from 'node:stream';
import { Arrivals, type Source } from '@q/net';
import { dupAbove } from '@q/posix';
import { AHEAD_MAX } from './limits.ts';

/** The lowest descriptor for a copy of our own: 0, 1, 2 and 3 have a meaning in programs that run others. */
const FIRST_FREE = 10;

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

  override detach(): Duplex | undefined {
    const stream = this.#stream;
    if (!(stream instanceof Duplex)) return undefined;
    stream.off('data', this.#onData);
    stream.pause();
    return stream;
  }

  close(): void {
    this.#stream.destroy();
  }
}

/** The byte buffer and the `false` answer make libuv stop after each single read. */
class SingleByteSource extends Arrivals {
  readonly #fd: number;
  readonly socket: Socket;

  constructor(fd: number) {
    super();
    this.#fd = fd;
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

  /** A second descriptor, because the first one has its handle already. */
  override detach(): Duplex | undefined {
    if (!fstatSync(this.#fd).isSocket()) return undefined;
    this.release();
    discardWaiting(this.#fd);
    return new Socket({ fd: dupAbove(this.#fd, FIRST_FREE), allowHalfOpen: true });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Throws away what the kernel holds of a socket, which Node has made non-blocking, or a good part of a flood. */
function discardWaiting(fd: number): void {
  const buffer = Buffer.allocUnsafe(AHEAD_MAX);
  try {
    for (let reads = 0; reads < 16 && readSync(fd, buffer) > 0; reads++);
  } catch {
    // EAGAIN: nothing is left. Any other error is met by whoever reads next.
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
