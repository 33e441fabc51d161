// Messages for tests: parsed from text, generated, cut into chunks.

import fc from 'fast-check';
import { type Message, MessageParser } from '../index.ts';

/** The message that a latin1 text is. */
export function parsed(text: string): Message {
  return parsedChunks([Buffer.from(text, 'latin1')]);
}

export function parsedChunks(chunks: readonly Buffer[]): Message {
  const parser = new MessageParser();
  // The parser may keep nothing of a chunk: its buffer is used again.
  const reused = Buffer.alloc(Math.max(0, ...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    chunk.copy(reused);
    parser.push(reused.subarray(0, chunk.length));
    reused.fill(0x2d);
  }
  return parser.end();
}

/** The bytes cut at some of the places. */
export function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

/** The bytes with CRLF line ends, the slow way. */
export function sent(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'), 'latin1');
}

/** Pieces that parsers of mail stumble over, and plain ones. */
const FRAGMENTS = [
  '\n',
  '\n',
  '\n\n',
  '\r\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  '"',
  '(',
  ')',
  '<',
  '>',
  ',',
  '@',
  '.',
  '\\',
  '=',
  '-',
  '--',
  '\n--x',
  '\n--x\n',
  '\n--x--',
  '\n--xx\n',
  '\n--xx--\n',
  '--x\n',
  '\n\n--x\n',
  '\r\n--x\r\n',
  '\n--',
  '\n-',
  'Content-Type: multipart/mixed; boundary=x\n',
  'Content-Type: multipart/digest; boundary="xx"\n\n',
  'Content-Type: message/rfc822\n\n',
  'Content-Type: text/plain\n\n',
  'Content-Type: multipart/alternative;\n\tboundary="xx"\r\n\r\n',
  'Content-Transfer-Encoding: base64\n',
  'Content-Disposition: attachment; filename*0="a"; filename*1*=b\n',
  'From: A <a@b>, G: c@d;\n',
  'Subject: =?utf-8?q?caf=C3=A9?=\n',
  'References: <a@b> <c@d>\n',
  'text',
  'caf\xc3\xa9',
  'x',
  '=3D',
  '=\n',
];

export const hostileBytes: fc.Arbitrary<Buffer> = fc
  .array(fc.constantFrom(...FRAGMENTS), { maxLength: 60 })
  .map((fragments) => Buffer.from(fragments.join(''), 'latin1'));
