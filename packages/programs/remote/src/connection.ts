// A client's end of a connection to a mail server: bytes out, bytes in, everything with a limit in time.

import type { Socket } from 'node:net';
import { bytesOf } from '@q/bytes';
import { QUIT_MS } from './limits.ts';

/** The connection broke, or the server kept us waiting too long, or it talks nonsense without end. */
export class ConnectionDied extends Error {
  override readonly name = 'ConnectionDied';
  readonly timedOut: boolean;

  constructor(what: string, timedOut = false) {
    super(what);
    this.timedOut = timedOut;
  }
}

/** Our own event on the socket: a write is done. */
const WRITTEN = 'bytes-written';

export class Connection {
  /** The server's address, as reports name it. */
  readonly address: string;
  readonly #socket: Socket;
  readonly #seconds: number;

  /** `seconds` is what a whole answer, or the progress of a write, may take. */
  constructor(socket: Socket, address: string, seconds: number) {
    this.address = address;
    this.#socket = socket;
    this.#seconds = seconds;
    socket.on('error', () => {}); // reading and writing notice that it is gone
  }

  /** When an answer asked for now is late; for `read`. */
  deadline(seconds = this.#seconds): number {
    return performance.now() + seconds * 1000;
  }

  /** Some bytes. Throws ConnectionDied, at the end of the stream too. */
  async read(deadline: number): Promise<Buffer> {
    for (;;) {
      const chunk: unknown = this.#socket.read();
      if (chunk !== null) return chunk as Buffer;
      if (this.#socket.readableEnded || this.#socket.destroyed)
        throw new ConnectionDied('the connection is closed');
      await this.#wait(['readable', 'end', 'close'], deadline);
    }
  }

  /** Writes; returns when the system has taken all of it: `bytes` may then be used again. Throws ConnectionDied. */
  async send(bytes: Buffer): Promise<void> {
    const socket = this.#socket;
    const deadline = this.deadline();
    socket.write(bytes, () => socket.emit(WRITTEN));
    while (socket.writableLength > 0) {
      if (socket.destroyed) throw new ConnectionDied('the connection is closed');
      await this.#wait([WRITTEN, 'close'], deadline);
    }
  }

  /**
   * For a time in which nothing should happen: calls `onEvent` once if the server says anything or hangs
   * up. Undefined when it has done so already; else a function that ends the watch.
   */
  watch(onEvent: () => void): (() => void) | undefined {
    const socket = this.#socket;
    if (socket.destroyed || socket.readableEnded || socket.readableLength > 0) return undefined;
    const events = ['readable', 'end', 'close'];
    const stop = () => {
      for (const event of events) socket.removeListener(event, listener);
    };
    const listener = () => {
      stop();
      onEvent();
    };
    for (const event of events) socket.on(event, listener);
    return stop;
  }

  /** Says `words` (latin1) at the end, waits for no answer, and closes. Never throws. */
  async end(words: string): Promise<void> {
    this.#socket.end(bytesOf(words));
    const deadline = performance.now() + QUIT_MS;
    if (!this.#socket.writableFinished && !this.#socket.destroyed)
      await this.#wait(['finish', 'close'], deadline).catch(() => {});
    this.close();
  }

  close(): void {
    this.#socket.destroy();
  }

  #wait(events: readonly string[], deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = Math.max(0, deadline - performance.now());
      const timer = setTimeout(() => settle(new ConnectionDied('timed out', true)), left);
      const onEvent = () => settle();
      const settle = (error?: ConnectionDied) => {
        clearTimeout(timer);
        for (const event of events) this.#socket.removeListener(event, onEvent);
        if (error === undefined) resolve();
        else reject(error);
      };
      for (const event of events) this.#socket.once(event, onEvent);
    });
  }
}
