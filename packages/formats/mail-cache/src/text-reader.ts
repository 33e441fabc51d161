// The searched text of a message whose file is open: as a document for the index, or looked through piece by piece.

import type { ByteSource, Message } from '@q/mime';
import { INDEXED_MAX } from './limits.ts';
import type { Query } from './query.ts';
import { BREAK, type Part, type SearchedPiece, searchedText } from './searched-text.ts';

/** Collects texts, one after another, in memory that is used again. */
export class TextReader {
  #bytes: Buffer = EMPTY;

  /** Gives the memory back. */
  forget(): void {
    this.#bytes = EMPTY;
  }

  /** The whole text of a part, the caller's own; undefined when it is longer than INDEXED_MAX. */
  async read(source: ByteSource, message: Message, part: Part): Promise<Buffer | undefined> {
    // Several messages are read at a time: each has the buffer for itself, or one of its own.
    const bytes = this.#bytes;
    this.#bytes = EMPTY;
    const collected = await collect(
      bytes.length === 0 ? Buffer.allocUnsafeSlow(ROOM) : bytes,
      searchedText(source, message, part),
    );
    if (collected.bytes.length > this.#bytes.length) this.#bytes = collected.bytes;
    return collected.length === undefined
      ? undefined
      : Buffer.from(collected.bytes.subarray(0, collected.length));
  }
}

async function collect(
  room: Buffer,
  pieces: AsyncIterable<SearchedPiece>,
): Promise<{ bytes: Buffer; length: number | undefined }> {
  let bytes = room;
  let at = 0;
  for await (const { text, begins } of pieces) {
    // UTF-8 takes three bytes for a unit of UTF-16 at most.
    const needed = at + 1 + text.length * 3;
    if (needed > bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, bytes.length * 2));
      bytes.copy(grown, 0, 0, at);
      bytes = grown;
    }
    if (begins) bytes[at++] = BREAK;
    at += bytes.write(text, at, 'utf8');
    if (at > INDEXED_MAX) return { bytes: EMPTY, length: undefined };
  }
  return { bytes, length: at };
}

/** True when the query has a hit in this part. Holds no more than a piece of it. */
export async function isHitInFile(
  query: Query,
  source: ByteSource,
  message: Message,
  part: Part,
): Promise<boolean> {
  const scan = new Scan(query);
  for await (const piece of searchedText(source, message, part)) if (scan.push(piece)) return true;
  return false;
}

class Scan {
  readonly #query: Query;
  /** The end of what was seen, in which a hit may begin. */
  #tail: Buffer = EMPTY;
  /** The field the query asks for is being read. */
  #inField = false;

  constructor(query: Query) {
    this.#query = query;
  }

  push({ text, begins }: SearchedPiece): boolean {
    const { value, field } = this.#query;
    let bytes = Buffer.from(text, 'utf8');
    if (begins) this.#tail = EMPTY;
    if (field !== undefined) {
      if (begins) {
        this.#inField = bytes.subarray(0, field.length - 1).equals(field.subarray(1));
        bytes = bytes.subarray(field.length - 1);
      }
      if (!this.#inField) return false;
    }
    const window = this.#tail.length === 0 ? bytes : Buffer.concat([this.#tail, bytes]);
    if (window.includes(value)) return true;
    this.#tail = Buffer.from(window.subarray(Math.max(0, window.length - value.length + 1)));
    return false;
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
/** Bytes to begin with: a usual message. */
const ROOM = 32 * 1024;
