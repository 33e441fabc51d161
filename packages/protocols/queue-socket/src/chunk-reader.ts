// Pulls chunks from a socket one at a time: the kernel's buffer, not ours, holds what we are too slow for.

import { Alarm, type Source } from '@q/net';

export class ChunkReader {
  readonly #source: Source;
  readonly #alarm: Alarm;
  #resume: () => void = () => {};

  constructor(source: Source) {
    this.#source = source;
    this.#alarm = new Alarm(this.wake);
  }

  /** Makes a waiting `next` look at its condition again. */
  readonly wake = (): void => this.#resume();

  /**
   * The next bytes, which are gone with the next call; undefined at the end of the stream or when `over` says
   * so, 'timeout' at the time `until` (ms since 1970).
   */
  async next(until: number, over: () => boolean): Promise<Buffer | undefined | 'timeout'> {
    for (;;) {
      // What has been read off the kernel must be looked at: its sender counts on that (see Lost).
      const chunk = this.#source.lend();
      if (chunk !== undefined) return chunk;
      if (this.#source.ended || over()) return undefined;
      if (Date.now() >= until) return 'timeout';
      await this.#event(until);
    }
  }

  /** Waits no more: nothing of it keeps the process alive. */
  end(): void {
    this.#alarm.end();
  }

  #event(until: number): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = () => {
        this.#source.onReady(undefined);
        resolve();
      };
      this.#source.onReady(this.#resume);
      this.#alarm.set(until);
    });
  }
}
