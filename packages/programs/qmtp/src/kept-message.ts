// A message whose size must be known before its first byte is sent, and which may be sent more than once:
// held in memory, or in a file that has no name when it is large.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { faultOf, Temporary } from '@q/fault';
import { closeFd, openFd, readFd, unlinkFile, writeFully } from '@q/fsx';
import { QueueExit } from '@q/queue-socket';
import { BLOCK, KEPT_IN_MEMORY } from './limits.ts';

export class KeptMessage {
  readonly #directory: string;
  readonly #room = Buffer.allocUnsafe(KEPT_IN_MEMORY);
  #used = 0;
  #fd: number | undefined;
  #inFile = 0;

  /** `directory` is where a large one's file is made, and unlinked at once. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** In bytes. */
  get size(): number {
    return this.#inFile + this.#used;
  }

  /** Throws Temporary, with qmail-queue's code for a full disk. */
  async write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#used === this.#room.length) await this.#spill();
      const taken = bytes.copy(this.#room, this.#used, at);
      this.#used += taken;
      at += taken;
    }
  }

  /** All of it from the start. The chunks stay as they are. Throws Temporary. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (let at = 0; at < this.#inFile; ) {
      const block = Buffer.allocUnsafe(BLOCK);
      const wanted = Math.min(BLOCK, this.#inFile - at);
      const got = await readFd(this.#fd as number, block, 0, wanted, at).catch(failed);
      if (got === 0) throw failure('it has become shorter');
      yield block.subarray(0, got);
      at += got;
    }
    if (this.#used > 0) yield this.#room.subarray(0, this.#used);
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) await closeFd(fd);
  }

  async #spill(): Promise<void> {
    try {
      this.#fd ??= await openNameless(this.#directory);
      await writeFully(this.#fd, this.#room.subarray(0, this.#used));
    } catch (error) {
      failed(error);
    }
    this.#inFile += this.#used;
    this.#used = 0;
  }
}

async function openNameless(directory: string): Promise<number> {
  const path = join(directory, `qmqpc.${process.pid}.${randomBytes(8).toString('hex')}`);
  const { O_RDWR, O_CREAT, O_EXCL } = constants;
  const fd = await openFd(path, O_RDWR | O_CREAT | O_EXCL, 0o600);
  await unlinkFile(path);
  return fd;
}

function failed(error: unknown): never {
  throw failure(faultOf(error, 'the file').message, error);
}

function failure(what: string, cause?: unknown): Temporary {
  const exitCode = QueueExit.WRITE_ERROR;
  return new Temporary(`unable to keep the message: ${what}`, { cause, exitCode });
}
