// The searched text of a message whose file is open: as a document for the index, or looked through piece by piece.

import type { ByteSource, Message } from '@q/mime';
import { INDEXED_MAX } from './limits.ts';
import type { Query } from './query.ts';
import {
  BREAK,
  type Part,
  type SearchedPiece,
  searchedHeader,
  searchedText,
} from './searched-text.ts';

/** Collects texts, one after another, in memory that is used again. */
export class TextReader {
  #bytes: Buffer = EMPTY;

  /** Gives the memory back. */
  forget(): void {
    this.#bytes = EMPTY;
  }

  /** The whole text of a part, the caller's own; undefined when it is longer than INDEXED_MAX. */
  async read(source: ByteSource, message: Message, part: Part): Promise<Buffer | undefined> {
    const collector = this.#begin();
    for await (const piece of searchedText(source, message, part)) if (!collector.add(piece)) break;
    return this.#end(collector);
  }

  /** The same of the header of a message that is in memory: waiting for each field would take longer than the fields. */
  readHeader(file: Buffer, message: Message): Buffer | undefined {
    const collector = this.#begin();
    for (const piece of searchedHeader(file, message)) if (!collector.add(piece)) break;
    return this.#end(collector);
  }

  /** Several messages are read at a time: each has the buffer for itself, or one of its own. */
  #begin(): Collector {
    const bytes = this.#bytes;
    this.#bytes = EMPTY;
    return new Collector(bytes.length === 0 ? Buffer.allocUnsafeSlow(ROOM) : bytes);
  }

  #end({ bytes, length, isTooLong }: Collector): Buffer | undefined {
    if (isTooLong) return undefined;
    if (bytes.length > this.#bytes.length) this.#bytes = bytes;
    return Buffer.from(bytes.subarray(0, length));
  }
}

class Collector {
  bytes: Buffer;
  length = 0;
  isTooLong = false;

  constructor(room: Buffer) {
    this.bytes = room;
  }

  /** False: it is longer than INDEXED_MAX now. */
  add({ text, begins }: SearchedPiece): boolean {
    // UTF-8 takes three bytes for a unit of UTF-16 at most.
    const needed = this.length + 1 + text.length * 3;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    if (begins) this.bytes[this.length++] = BREAK;
    this.length += this.bytes.write(text, this.length, 'utf8');
    this.isTooLong = this.length > INDEXED_MAX;
    return !this.isTooLong;
  }
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
