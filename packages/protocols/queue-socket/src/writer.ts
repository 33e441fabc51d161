// One message on its way to the queue, from the caller's side: gathers, sends, and sends again where
// that is safe. What carries it (socket or program) is a Transport.

import { encodeEnvelope } from '@q/address';
import { isFault } from '@q/fault';
import { QueueExit, queueExitText } from './exit-text.ts';
import { BLOCK } from './limits.ts';

/** How queueing one message ended. */
export interface QueueResult {
  /** qmail-queue's exit code; 0 is success. A killed program has 81's. */
  readonly code: number;
  /** 'K', or 'D...' or 'Z...' with the text for callers: see exit-text.ts. */
  readonly text: string;
  /** The number that stands for the message's pid in logs ("qp"), when queued. */
  readonly qp?: string;
}

/**
 * One message being queued; one call at a time. Its methods never reject: what went wrong is in commit's
 * result.
 */
export interface QueueWriter {
  /** The next bytes of the message. When it resolves, `chunk` may be used again and there is room for more. */
  write(chunk: Uint8Array): Promise<void>;
  /** Queues the message. `sender` and `recipients` are latin1 texts without <>. */
  commit(sender: string, recipients: Iterable<string>): Promise<QueueResult>;
  /** Gives up; nothing is queued. Does nothing after commit. */
  abort(): void;
  /** True once the message cannot be queued any more: reading on to hand it more is pointless. */
  readonly failed: boolean;
}

/** For callers that have the envelope's bytes already: what qmail-queue reads from fd 1. */
export interface RawQueueWriter extends QueueWriter {
  commitEnvelope(envelope: Buffer): Promise<QueueResult>;
}

/** What carries one message. `message` never rejects; 'again' = certainly not queued, try another transport. */
export interface Transport {
  /** When it resolves, the bytes are with the kernel, or of no use to anybody: they may be changed. */
  message(bytes: Buffer): Promise<void>;
  finish(rest: Buffer, envelope: Buffer): Promise<QueueResult | 'again'>;
  abort(): void;
  readonly failed: boolean;
}

/** Makes a writer; `acquire` is called when the first bytes must go out, and rejects with a fault. */
export function queueWriter(acquire: () => Promise<Transport>): RawQueueWriter {
  return new BlockWriter(acquire);
}

class BlockWriter implements RawQueueWriter {
  readonly #acquire: () => Promise<Transport>;
  #transport: Transport | undefined;
  #block = Buffer.allocUnsafe(0);
  #used = 0;
  #failure: QueueResult | undefined;
  #ended = false;
  /** No block has left the buffer: the message is all here and can be sent from its start again. */
  #whole = true;

  constructor(acquire: () => Promise<Transport>) {
    this.#acquire = acquire;
  }

  get failed(): boolean {
    return this.#failure !== undefined || this.#transport?.failed === true;
  }

  async write(chunk: Uint8Array): Promise<void> {
    let at = 0;
    while (at < chunk.length && !this.#ended && !this.failed) {
      if (this.#block.length === this.#used) await this.#makeRoom(chunk.length - at);
      const n = Math.min(chunk.length - at, this.#block.length - this.#used);
      this.#block.set(chunk.subarray(at, at + n), this.#used);
      this.#used += n;
      at += n;
    }
  }

  async commit(sender: string, recipients: Iterable<string>): Promise<QueueResult> {
    let envelope: Buffer;
    try {
      envelope = encodeEnvelope(sender, recipients);
    } catch (error) {
      // An address that no envelope can hold: too long, or a caller's bug.
      this.abort();
      const tooLong = isFault(error) && error.exitCode === QueueExit.ADDRESS_TOO_LONG;
      return resultOf(tooLong ? QueueExit.ADDRESS_TOO_LONG : QueueExit.BAD_ENVELOPE);
    }
    return this.commitEnvelope(envelope);
  }

  async commitEnvelope(envelope: Buffer): Promise<QueueResult> {
    if (this.#ended) return resultOf(QueueExit.BUG);
    this.#ended = true;
    const rest = this.#block.subarray(0, this.#used);
    for (let attempt = 1; ; attempt++) {
      const transport = await this.#carrier();
      if (transport === undefined) return this.#failure ?? resultOf(QueueExit.BUG);
      const result = await transport.finish(rest, envelope);
      if (result !== 'again') return result;
      if (!this.#whole || attempt === 2) return resultOf(QueueExit.CONNECTION_BROKE);
      this.#transport = undefined;
    }
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#transport?.abort();
  }

  /** Grows the block up to BLOCK bytes, then empties it to the transport. */
  async #makeRoom(wanted: number): Promise<void> {
    if (this.#block.length < BLOCK) {
      const size = Math.min(BLOCK, Math.max(4096, 2 * this.#block.length, this.#used + wanted));
      const larger = Buffer.allocUnsafe(size);
      larger.set(this.#block.subarray(0, this.#used));
      this.#block = larger;
      return;
    }
    this.#whole = false;
    await (await this.#carrier())?.message(this.#block);
    this.#used = 0;
  }

  async #carrier(): Promise<Transport | undefined> {
    if (this.#transport !== undefined || this.#failure !== undefined) return this.#transport;
    try {
      this.#transport = await this.#acquire();
    } catch (error) {
      this.#failure = resultOf(isFault(error) ? error.exitCode : QueueExit.BUG);
    }
    return this.#transport;
  }
}

/** The result for an exit code without more to say. */
export function resultOf(code: number): QueueResult {
  return { code, text: queueExitText({ code }) };
}
