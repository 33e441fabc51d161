// The message, an open file. Every step of a delivery reads it from the start, by position, so that no step
// depends on what another left of the shared offset; only programs get it rewound.
//
// It is read at once, without another thread: it lies in the page cache, where qmail-queue has just put it.

import { fstatSync, readSync } from 'node:fs';
import { errnoText, Temporary } from '@q/fault';
import { rewindFd } from '@q/fsx';
import { MESSAGE_CHUNK } from './limits.ts';

/** Reading the message failed: told apart from failing to write the copy. */
export class MessageReadError extends Temporary {}

/** A message that can be read any number of times. */
export class MessageFile {
  readonly fd: number;
  readonly #size: number;
  /** The first chunk, kept: most messages are no longer, and are read once. */
  #first: Buffer | undefined;
  #further: Buffer | undefined;

  /** Takes a descriptor that must be a file: a pipe could be read only once. Throws Temporary. */
  constructor(fd: number) {
    this.fd = fd;
    this.#size = sizeOf(fd);
  }

  /** All bytes from the start; a chunk holds until the next is asked for. Throws MessageReadError. */
  *chunks(): Generator<Buffer, void, undefined> {
    for (let at = 0; at < this.#size; ) {
      const chunk = at === 0 ? this.#firstChunk() : this.#furtherChunk(at);
      if (chunk.length === 0) return;
      at += chunk.length;
      yield chunk;
    }
  }

  /** Puts the descriptor's own offset to the start, for a child that reads it. Throws Temporary. */
  rewind(): void {
    try {
      rewindFd(this.fd);
    } catch (cause) {
      throw cannotRewind(cause);
    }
  }

  #firstChunk(): Buffer {
    this.#first ??= read(this.fd, Buffer.allocUnsafe(Math.min(this.#size, MESSAGE_CHUNK)), 0);
    return this.#first;
  }

  #furtherChunk(at: number): Buffer {
    this.#further ??= Buffer.allocUnsafe(MESSAGE_CHUNK);
    return read(this.fd, this.#further, at);
  }
}

/** What was read into the buffer from that place on. */
function read(fd: number, buffer: Buffer, at: number): Buffer {
  try {
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, at));
  } catch (cause) {
    const text = `Unable to read message: ${errnoText(cause)}. (#4.3.0)`;
    throw new MessageReadError(text, { cause });
  }
}

function sizeOf(fd: number): number {
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) return stats.size;
  } catch (cause) {
    throw cannotRewind(cause);
  }
  throw cannotRewind();
}

function cannotRewind(cause?: unknown): Temporary {
  return new Temporary('Unable to rewind message. (#4.3.0)', { cause });
}
