// queue/lock/tcpto: hosts that lately did not answer, shared by all who deliver to other hosts. qmail-tcpto(8).
//
//   table  = 64 record
//   record = IPv4(4) count(1) unused(3) time(4, little-endian, seconds since 1970) unused(4)
//
// count is the number of timeouts, at most 10; 0 means a free place. The table is read and changed under flock.
// Example: C0000201 02 000000 E8030000 00000000   192.0.2.1 timed out twice, last at 1000.

import { TCPTO_SIZE } from './limits.ts';

const RECORD_SIZE = 16;
const COUNT = 4;
const TIME = 8;

export interface TcptoRecord {
  /** IPv4, dotted. */
  readonly address: string;
  /** 0 for a free place, whatever its address. */
  readonly timeouts: number;
  /** Of the last timeout, in seconds since 1970. */
  readonly last: number;
}

/** All records of a table, free places included; of one that is too short, those that are whole. */
export function decodeTcpto(table: Buffer): TcptoRecord[] {
  const count = Math.floor(Math.min(table.length, TCPTO_SIZE) / RECORD_SIZE);
  return Array.from({ length: count }, (_, index) => {
    const bytes = recordAt(table, index);
    return {
      address: bytes.subarray(0, COUNT).join('.'),
      timeouts: bytes[COUNT] as number,
      last: bytes.readUInt32LE(TIME),
    };
  });
}

/** What is to be written to change one record: the whole of it, its unused bytes as they were in `table`. */
export function changeTcpto(
  table: Buffer,
  index: number,
  { address, timeouts, last }: TcptoRecord,
): { readonly bytes: Buffer; readonly position: number } {
  const bytes = Buffer.from(recordAt(table, index));
  bytes.set(address.split('.').map(Number), 0);
  bytes[COUNT] = timeouts;
  bytes.writeUInt32LE(last >>> 0, TIME);
  return { bytes, position: index * RECORD_SIZE };
}

function recordAt(table: Buffer, index: number): Buffer {
  return table.subarray(index * RECORD_SIZE, (index + 1) * RECORD_SIZE);
}
