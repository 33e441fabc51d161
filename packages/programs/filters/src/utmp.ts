// Who is logged in where: utmp(5), as glibc writes it on Linux. Records of 384 bytes, numbers in the
// machine's byte order, texts ended by a NUL if they are shorter than their field:
//
//   offset  size
//        0     2  type; 7 = a user's process
//        4     4  pid
//        8    32  line: the terminal's name below /dev, "pts/3"
//       40     4  id
//       44    32  user
//       76   256  host
//      332    52  exit status, session, time, address, unused

import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { UTMP_MAX } from './limits.ts';

const RECORD = 384;
const USER_PROCESS = 7;
const LINE = { at: 8, size: 32 } as const;
const USER = { at: 44, size: 32 } as const;

/** The names of the terminals where `user` (latin1) is logged in. Throws a system error. */
export function terminalsOf(user: string, path: string): string[] {
  const bytes = readFileSync(path).subarray(0, UTMP_MAX);
  const terminals: string[] = [];
  for (let at = 0; at + RECORD <= bytes.length; at += RECORD) {
    const record = bytes.subarray(at, at + RECORD);
    const type = endianness() === 'LE' ? record.readInt16LE(0) : record.readInt16BE(0);
    if (type === USER_PROCESS && text(record, USER) === user) terminals.push(text(record, LINE));
  }
  return terminals;
}

function text(
  record: Buffer,
  { at, size }: { readonly at: number; readonly size: number },
): string {
  const field = record.toString('latin1', at, at + size);
  const end = field.indexOf('\0');
  return end < 0 ? field : field.slice(0, end);
}
