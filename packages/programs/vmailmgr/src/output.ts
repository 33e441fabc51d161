// What the tools say. Text is latin1, so that a name or an address comes out with the bytes it has.

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { errnoOf, faultOf } from '@q/fault';

export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** On stderr, as it is: what moves a terminal's cursor. */
  control(text: string): void;
}

/** stdout and stderr, written at once: after a kill everything said so far has been said. */
export const standardOutput: Output = {
  out: (text) => write(1, text),
  err: (text) => write(2, text),
  control: (text) => writeAll(2, Buffer.from(text, 'latin1')),
};

const NAP_MS = 10;
const napCell = new Int32Array(new SharedArrayBuffer(4));

/** Throws Temporary when nobody can be told any more (EPIPE, a full disk). */
function write(fd: number, text: string): void {
  writeAll(fd, Buffer.from(isatty(fd) ? harmless(text) : text, 'latin1'));
}

function writeAll(fd: number, all: Buffer): void {
  let bytes = all;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      // Whoever shares this pipe with us may have made it non-blocking.
      if (errnoOf(error) !== 'EAGAIN') throw faultOf(error, 'unable to write output');
      Atomics.wait(napCell, 0, 0, NAP_MS);
    }
  }
}

/** A stored name or address must not steer the terminal it is shown on. */
function harmless(text: string): string {
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f]/g, '?');
}
