// Queue files are records: a type byte, a text, a NUL. qmail-queue-format(5).
//
//   file    = *record
//   record  = type text NUL          ; type: u p F T D, text: any OCTET but NUL
//
// Example, remote/S/N with one recipient delivered and one to go: D joe@example.org NUL T ann@example.net NUL
//
// A recipient is marked done by overwriting its T, in place, with D: so each record knows its offset.

import { bytesOf, textOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { readFd } from '@q/fsx';
import { RECORD_MAX } from './limits.ts';

export interface QueueRecord {
  /** One character; empty for an empty record, which no writer makes. */
  readonly type: string;
  readonly text: string;
  /** Where the type byte is, in bytes from the start of the file. */
  readonly offset: number;
}

/** What is written over a recipient's type byte once it needs no more deliveries. */
export const DONE_MARK: Buffer = Buffer.from('D');

/** A recipient still to be delivered, as it stands in local/S/N and remote/S/N. */
export function encodeRecipient(address: string): Buffer {
  return encodeRecord('T', address);
}

/** One record. Throws RangeError for a NUL in the text: that is a bug, not mail. */
export function encodeRecord(type: string, text: string): Buffer {
  if (text.includes('\0')) throw new RangeError('NUL inside a record');
  return bytesOf(`${type}${text}\0`);
}

/** Cuts chunks, which may end anywhere, into records. Holds at most RECORD_MAX bytes. */
export class RecordDecoder {
  #held: Buffer = Buffer.alloc(0);
  #offset = 0;

  /** True where a file may end. A crash can leave a record without its end, which then does not count. */
  get atBoundary(): boolean {
    return this.#held.length === 0;
  }

  /** The records that `chunk` completes. Throws Temporary for one longer than RECORD_MAX. */
  push(chunk: Buffer): QueueRecord[] {
    const records: QueueRecord[] = [];
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
      records.push(this.#record(bytes.subarray(start, end)));
      start = end + 1;
    }
    if (bytes.length - start > RECORD_MAX) throw tooLong();
    this.#held = Buffer.from(bytes.subarray(start));
    return records;
  }

  #record(bytes: Buffer): QueueRecord {
    if (bytes.length > RECORD_MAX) throw tooLong();
    const offset = this.#offset;
    this.#offset += bytes.length + 1;
    const text = textOf(bytes);
    return { type: text.slice(0, 1), text: text.slice(1), offset };
  }
}

/**
 * The records of an open queue file from its start, read as they are asked for: a file of any size
 * takes one buffer. An unfinished record at the end is left out. Read errors are Node's own.
 */
export async function* readRecords(fd: number): AsyncGenerator<QueueRecord, void, void> {
  const decoder = new RecordDecoder();
  const buffer = Buffer.allocUnsafe(READ_SIZE);
  for (let position = 0; ; ) {
    const n = await readFd(fd, buffer, 0, buffer.length, position);
    if (n === 0) return;
    position += n;
    yield* decoder.push(buffer.subarray(0, n));
  }
}

const READ_SIZE = 16_384;

function tooLong(): Temporary {
  return new Temporary('queue file has an endless record');
}
