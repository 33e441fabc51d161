// What a connection has to say: collected, sent in one write, and held back while the peer is slow.

import type { Writable } from 'node:stream';
import { bytesOf } from '@q/bytes';
import type { Clocks, Register } from './clocks.ts';
import { Disconnected } from './errors.ts';
import { JOIN_BYTES } from './limits.ts';

export class Outbox {
  readonly #output: Writable;
  readonly #clocks: Clocks;
  readonly #wakers = new Set<() => void>();
  /** What was added since the last flush: the text that stands first, which is nearly always all of it ... */
  #text = '';
  /** ... and what stands after it. */
  #more: (Buffer | string)[] = [];
  #queued = 0;
  #inFlight = 0;
  #gone = false;
  #cause: unknown;
  #onGone: (() => void) | undefined;

  constructor(output: Writable, clocks: Clocks) {
    this.#output = output;
    this.#clocks = clocks;
    output.on('error', (error) => this.fail(error));
    output.on('close', () => this.fail());
  }

  add(data: Buffer | string): void {
    if (typeof data === 'string' && this.#more.length === 0) this.#text += data;
    else if (data.length > 0) this.#more.push(data);
    this.#queued += data.length;
  }

  /** Bytes added since the last flush. */
  get queued(): number {
    return this.#queued;
  }

  /** Sends the batch, and waits until the peer has taken enough. Throws Timeout or Disconnected. */
  async flush(): Promise<void> {
    if (this.sent()) return;
    while (this.#output.writableNeedDrain) await this.#progress();
    this.#check();
  }

  /** Sends the batch; true when nothing remains to be waited for. */
  sent(): boolean {
    this.#send();
    return !this.#gone && !this.#output.writableNeedDrain;
  }

  /** Sends the batch, and waits until the kernel has all of it. Throws Timeout or Disconnected. */
  async empty(): Promise<void> {
    this.#send();
    while (this.#inFlight > 0) await this.#progress();
    this.#check();
  }

  /** The peer is gone: whoever waits is told. */
  fail(cause?: unknown): void {
    this.#gone = true;
    this.#cause ??= cause;
    this.#wake();
    this.#onGone?.();
  }

  /** For who waits for something else: called when what was sent could not be. Undefined withdraws it. */
  onGone(wake: (() => void) | undefined): void {
    this.#onGone = wake;
  }

  #check(): void {
    // Made only here: most connections end without anybody who still wants to write.
    if (this.#gone) throw new Disconnected(this.#cause);
  }

  #send(): void {
    if (this.#queued === 0 || this.#gone) return;
    const text = this.#text;
    const more = this.#more;
    const total = this.#queued;
    this.#text = '';
    this.#queued = 0;
    if (more.length === 0) {
      this.#putText(text);
      return;
    }
    this.#more = [];
    const all = text === '' ? more : [text, ...more];
    const parts = all.map((part) => (typeof part === 'string' ? bytesOf(part) : part));
    if (total <= JOIN_BYTES) {
      this.#put(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, total));
      return;
    }
    this.#output.cork();
    for (const part of parts) this.#put(part);
    this.#output.uncork();
  }

  /** Text goes to a socket as it is: a Buffer for each reply would be made only to be copied again. */
  #putText(text: string): void {
    if (/[^\x00-\xff]/.test(text)) throw new RangeError('not a latin1 string');
    this.#inFlight++;
    this.#output.write(text, 'latin1', this.#onWritten);
  }

  #put(bytes: Buffer): void {
    this.#inFlight++;
    this.#output.write(bytes, this.#onWritten);
  }

  readonly #onWritten = (error: Error | null | undefined): void => {
    this.#inFlight--;
    if (error) this.fail(error);
    else this.#wake();
  };

  #wake(): void {
    for (const wake of this.#wakers) wake();
  }

  async #progress(): Promise<void> {
    this.#check();
    let mine: (() => void) | undefined;
    const register: Register = (wake) => {
      if (mine !== undefined) this.#wakers.delete(mine);
      mine = wake;
      if (wake !== undefined) this.#wakers.add(wake);
    };
    await this.#clocks.wait(false, register);
  }
}
