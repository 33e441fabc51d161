// printforward(1) and printmaillist(1): what a table on standard input says, as setforward and setmaillist read it.

import { instructionText, listText } from '@q/aliases';
import { bytesOf } from '@q/bytes';
import { Permanent, Temporary } from '@q/fault';
import { writeFullySync } from '@q/fsx';
import type { Invocation } from '@q/proc';
import { inputChunks, wholeInput } from './input.ts';

const HEADER = 2048;
/** Bytes of a record's two lengths. */
const LENGTHS = 8;
/** Bytes of a record that are held at once: what INSTRUCTION_MAX and an address make at most. */
const RECORD_MAX = 64 * 1024 * 1024;

/** Throws Permanent for what is no forwarding database. */
export async function printforwardMain(_: Invocation): Promise<number> {
  for await (const [key, data] of records()) {
    const text = instructionText(key, data);
    if (text === undefined) throw bad();
    write(text);
  }
  return 0;
}

/** Throws Permanent for what is no mailing list. */
export async function printmaillistMain(_: Invocation): Promise<number> {
  write(listText(await wholeInput()));
  return 0;
}

/** The records of a cdb that comes from a pipe: they stand, one behind the other, between the header and its tables. */
async function* records(): AsyncGenerator<[key: Buffer, data: Buffer]> {
  let held = Buffer.alloc(0);
  let position = 0; // of what is held
  let end: number | undefined;
  let wanted = HEADER;
  for await (const chunk of inputChunks()) {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      if (end !== undefined && position >= end) return;
      if (held.length < wanted) break;
      if (end === undefined) {
        end = endOfRecords(held);
      } else {
        const keyEnd = LENGTHS + held.readUInt32LE(0);
        const size = keyEnd + held.readUInt32LE(4);
        if (size > RECORD_MAX || position + size > end) throw bad();
        if (held.length < size) {
          wanted = size;
          break;
        }
        yield [held.subarray(LENGTHS, keyEnd), held.subarray(keyEnd, size)];
        wanted = size;
      }
      held = held.subarray(wanted);
      position += wanted;
      wanted = LENGTHS;
    }
  }
  if (end === undefined || position < end) throw bad();
}

/** Where the first table is: a table without slots may be said to be anywhere. */
function endOfRecords(header: Buffer): number {
  let end = Number.POSITIVE_INFINITY;
  for (let at = 0; at < HEADER; at += 8) {
    if (header.readUInt32LE(at + 4) > 0) end = Math.min(end, header.readUInt32LE(at));
  }
  if (end < HEADER) throw bad();
  return end === Number.POSITIVE_INFINITY ? HEADER : end;
}

function bad(): Permanent {
  return new Permanent('bad database format');
}

function write(text: string): void {
  try {
    writeFullySync(1, bytesOf(text));
  } catch (error) {
    throw new Temporary('unable to write output', { cause: error });
  }
}
