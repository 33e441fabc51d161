// Pulls chunks from a socket one at a time: the kernel's buffer, not ours, holds what we are too slow for.

import type { Socket } from 'node:net';

const FLUSH_POLL_MS = 20;

export class ChunkReader {
  readonly #socket: Socket;
  #ended = false;
  #resume: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('readable', this.wake);
    socket.on('drain', this.wake);
    const end = () => {
      this.#ended = true;
      this.wake();
    };
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', end);
  }

  /** Makes a waiting `next` look at its condition again. */
  readonly wake = (): void => this.#resume();

  /**
   * The next bytes; undefined at the end of the stream or when `over` says so, 'timeout' at the time
   * `until` (ms since 1970).
   */
  async next(until: number, over: () => boolean): Promise<Buffer | undefined | 'timeout'> {
    for (;;) {
      // What has been read off the kernel must be looked at: its sender counts on that (see Lost).
      const chunk = this.#socket.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.#ended || over()) return undefined;
      if (Date.now() >= until) return 'timeout';
      await this.#event(until - Date.now());
    }
  }

  /** Waits until everything written has gone to the kernel, the peer has gone, or `seconds` are over. */
  async flushed(seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1000;
    while (this.#socket.writableLength > 0 && !this.#socket.destroyed && Date.now() < until)
      await this.#event(FLUSH_POLL_MS); // 'drain' comes only after a write that returned false
  }

  #event(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#resume = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
