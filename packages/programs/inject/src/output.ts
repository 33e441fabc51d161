// Where qmail-inject puts its message: the queue, or standard output.

import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, faultOf, isFault, Permanent, Temporary } from '@q/fault';
import { connectQueue, type Queue, type QueueWriter } from '@q/queue-socket';
import { NONBLOCKING_POLL_MS } from './limits.ts';

export interface Output {
  write(bytes: Buffer): Promise<void>;
  /** True when more bytes are of no use: the message has failed. */
  readonly failed: boolean;
  /** The message is complete. Throws a fault with the words for the user when it was not taken. */
  finish(sender: string, recipients: Iterable<string>): Promise<void>;
  /** The message could not be read whole: nothing is queued of it. */
  abort(): void;
}

/** A new message in the queue of `home`: through $QMAILQUEUE, the queue socket or bin/qmail-queue. Throws Temporary. */
export async function openQueueOutput(
  home: string,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<Output> {
  const queue = connectQueue({ home, env, program: 'oneshot' });
  try {
    return new QueueOutput(queue, await queue.open());
  } catch (error) {
    // Its exit code would be qmail-queue's.
    throw isFault(error) ? new Temporary(error.message, { cause: error }) : error;
  }
}

/** Standard output, as it comes. */
export function standardOutput(fd: number): Output {
  return {
    failed: false,
    write: (bytes) => writeAll(fd, bytes),
    finish: async () => {},
    abort: () => {},
  };
}

class QueueOutput implements Output {
  readonly #queue: Queue;
  readonly #writer: QueueWriter;

  constructor(queue: Queue, writer: QueueWriter) {
    this.#queue = queue;
    this.#writer = writer;
  }

  get failed(): boolean {
    return this.#writer.failed;
  }

  write(bytes: Buffer): Promise<void> {
    return this.#writer.write(bytes);
  }

  async finish(sender: string, recipients: Iterable<string>): Promise<void> {
    const { code, text } = await this.#writer.commit(sender, recipients);
    this.#queue.close();
    if (code === 0) return;
    throw text.startsWith('D') ? new Permanent(text.slice(1)) : new Temporary(text.slice(1));
  }

  abort(): void {
    this.#writer.abort();
    this.#queue.close();
  }
}

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      // Whoever shares this pipe with us may have made it non-blocking.
      if (errnoOf(error) !== 'EAGAIN') throw faultOf(error, 'write error');
      await sleep(NONBLOCKING_POLL_MS);
    }
  }
}
