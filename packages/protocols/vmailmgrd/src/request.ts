// A request to vmailmgrd, as its clients write it: the PHP and Python libraries, the web forms.
//
//   request  = %x02 length count command *argument    ; length: bytes after it; count: arguments, one byte
//   command  = text
//   argument = text
//   text     = length *OCTET                          ; length: two bytes, high one first
//
// Example, "check dom me pw":  02 0015 03  0005 "check"  0003 "dom"  0002 "me"  0002 "pw"

import { bytesOf, textOf } from '@q/bytes';

const VERSION = 2;
const HEAD = 3;

/** All latin1. */
export interface Request {
  readonly command: string;
  readonly args: readonly string[];
}

/** What the client sent is no request. Nobody answers it: there is no telling what it would understand. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** How many bytes the request that begins with `bytes` has; undefined if they are too few to tell. Throws Malformed. */
export function requestLength(bytes: Buffer): number | undefined {
  if (bytes.length > 0 && bytes[0] !== VERSION)
    throw new Malformed('Invalid protocol from client, aborting');
  return bytes.length < HEAD ? undefined : HEAD + bytes.readUInt16BE(1);
}

/** Reads a whole request; what follows it means nothing. Throws Malformed when any count does not fit. */
export function decodeRequest(bytes: Buffer): Request {
  const length = requestLength(bytes);
  if (length === undefined || bytes.length < length) throw new Malformed('Short read from client');
  const body = bytes.subarray(HEAD, length);
  const texts: string[] = [];
  let at = 1;
  while (at < body.length) {
    const end = at + 2 + (at + 2 <= body.length ? body.readUInt16BE(at) : 0);
    if (at + 2 > body.length || end > body.length)
      throw new Malformed('Argument runs past the end of the request');
    texts.push(textOf(body.subarray(at + 2, end)));
    at = end;
  }
  const [command, ...args] = texts;
  if (command === undefined || args.length !== body[0])
    throw new Malformed('Wrong number of arguments in the request');
  return { command, args };
}

/** The bytes of a request. Throws RangeError when something is too long for its count. */
export function encodeRequest({ command, args }: Request): Buffer {
  const texts = [command, ...args].map((text) =>
    Buffer.concat([count16(text.length), bytesOf(text)]),
  );
  const body = Buffer.concat([Buffer.from([args.length]), ...texts]);
  if (args.length > 255) throw new RangeError('too many arguments');
  return Buffer.concat([Buffer.from([VERSION]), count16(body.length), body]);
}

function count16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
