// Where a connection's bytes come from, and what has come and was not taken.

import type { Duplex } from 'node:stream';

/** Bytes on demand. Little is taken from the other side before it is asked for: see AHEAD_MAX. */
export interface Source {
  /** What is there now; undefined when nothing is there yet, or nothing will ever be again. The taker's to keep. */
  take(): Buffer | undefined;
  /** As take(), but lent: the bytes may be changed, and are gone with the next call of lend() or take(). */
  lend(): Buffer | undefined;
  /** True once nothing more will come: end of file, or an error, which is the same to who reads. */
  readonly ended: boolean;
  /** Calls `wake` when take() or ended may have changed; undefined withdraws the wish. */
  onReady(wake: (() => void) | undefined): void;
  /** Stops reading and lets the process end; the descriptor stays open. */
  release(): void;
  /**
   * Stops reading, and gives what stands behind it to whoever will read and write it from now on; undefined where
   * that goes one way only.
   */
  detach(): Duplex | undefined;
  /** Stops reading and closes. */
  close(): void;
}

/** What all sources have in common: the chunks that have come and were not taken, and who waits for the next. */
export abstract class Arrivals implements Source {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  /** Sees to it that something arrives, or goes on arriving. Called while nothing is there and somebody waits. */
  protected abstract fetch(): void;
  abstract release(): void;
  abstract close(): void;

  take(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) this.#bytes -= chunk.length;
    return chunk;
  }

  lend(): Buffer | undefined {
    return this.take();
  }

  detach(): Duplex | undefined {
    return undefined;
  }

  get ended(): boolean {
    return this.#ended && this.#chunks.length === 0;
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake;
    if (wake === undefined) return;
    if (this.#bytes > 0 || this.#ended) queueMicrotask(() => this.#wake === wake && wake());
    else this.fetch();
  }

  /** How many bytes nobody has taken yet. */
  protected get waiting(): number {
    return this.#bytes;
  }

  protected arrived(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake?.();
  }

  protected over(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
