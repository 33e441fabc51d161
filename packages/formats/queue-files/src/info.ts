// info/S/N: the envelope sender. The file's mtime is the message's birth, on which the retry schedule
// and the queue lifetime are reckoned; so it is written once and never touched. qmail-queue-format(5).
//
//   info = "F" address NUL
//
// Example: Fjoe@example.org NUL

import { Temporary } from '@q/fault';
import { encodeRecord, RecordDecoder } from './records.ts';

export function encodeInfo(sender: string): Buffer {
  return encodeRecord('F', sender);
}

/** The sender. Throws Temporary when the file is not a whole record. */
export function decodeInfo(bytes: Buffer): string {
  const [record] = new RecordDecoder().push(bytes);
  if (record?.type !== 'F') throw new Temporary('damaged info file');
  return record.text;
}
