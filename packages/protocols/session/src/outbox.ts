// What a connection has to say: collected, sent in one write, and held back while the peer is slow.

import type { Writable } from 'node:stream';
import { bytesOf } from '@q/bytes';
import type { Clocks } from './clocks.ts';
import { Disconnected } from './errors.ts';
import { JOIN_BYTES } from './limits.ts';

export class Outbox {
  readonly #output: Writable;
  readonly #clocks: Clocks;
  readonly #wakers = new Set<() => void>();
  #batch: (Buffer | string)[] = [];
  #queued = 0;
  #inFlight = 0;
  #failure: Disconnected | undefined;

  constructor(output: Writable, clocks: Clocks) {
    this.#output = output;
    this.#clocks = clocks;
    output.on('error', (error) => this.fail(error));
    output.on('close', () => this.fail());
  }

  add(data: Buffer | string): void {
    if (data.length > 0) this.#batch.push(data);
    this.#queued += data.length;
  }

  /** Bytes added since the last flush. */
  get queued(): number {
    return this.#queued;
  }

  /** Sends the batch, and waits until the peer has taken enough. Throws Timeout or Disconnected. */
  async flush(): Promise<void> {
    this.#send();
    while (this.#output.writableNeedDrain) await this.#progress();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Sends the batch, and waits until the kernel has all of it. Throws Timeout or Disconnected. */
  async empty(): Promise<void> {
    this.#send();
    while (this.#inFlight > 0) await this.#progress();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The peer is gone: whoever waits is told. */
  fail(cause?: unknown): void {
    this.#failure ??= new Disconnected(cause);
    for (const wake of this.#wakers) wake();
  }

  #send(): void {
    const batch = this.#batch;
    if (batch.length === 0 || this.#failure !== undefined) return;
    this.#batch = [];
    this.#queued = 0;
    const parts = batch.map((part) => (typeof part === 'string' ? bytesOf(part) : part));
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    if (total <= JOIN_BYTES) {
      this.#put(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, total));
      return;
    }
    this.#output.cork();
    for (const part of parts) this.#put(part);
    this.#output.uncork();
  }

  #put(bytes: Buffer): void {
    this.#inFlight++;
    this.#output.write(bytes, (error) => {
      this.#inFlight--;
      if (error) this.fail(error);
      for (const wake of this.#wakers) wake();
    });
  }

  async #progress(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    let mine: (() => void) | undefined;
    await this.#clocks.wait(false, (wake) => {
      if (mine !== undefined) this.#wakers.delete(mine);
      mine = wake;
      if (wake !== undefined) this.#wakers.add(wake);
    });
  }
}
