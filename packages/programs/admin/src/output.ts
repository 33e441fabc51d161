// What a tool prints, written in blocks to a descriptor. A reader that goes away (`qmail-qread | head`) is no
// error: what follows is dropped, and a loop that only prints may stop at `closed`.

import { isUtf8 } from 'node:buffer';
import { writeSync } from 'node:fs';
import { bytesOf } from '@q/bytes';
import { errnoOf, faultOf } from '@q/fault';

export interface Output {
  /** latin1 text: a character is a byte. */
  write(text: string): void;
  /** One line of JSON, in UTF-8. */
  json(value: unknown): void;
  flush(): void;
  /** True when nobody reads any more. */
  readonly closed: boolean;
}

const BLOCK = 65_536;

/** An output on `fd`, standard output by default. Write errors other than EPIPE are thrown as faults. */
export function openOutput(fd = 1): Output {
  let held: Buffer[] = [];
  let size = 0;
  let closed = false;
  const flush = () => {
    const bytes = Buffer.concat(held, size);
    held = [];
    size = 0;
    try {
      if (!closed) writeAll(fd, bytes);
    } catch (error) {
      if (errnoOf(error) !== 'EPIPE') throw faultOf(error, 'unable to write output');
      closed = true;
    }
  };
  const add = (bytes: Buffer) => {
    held.push(bytes);
    size += bytes.length;
    if (size >= BLOCK) flush();
  };
  return {
    write: (text) => add(bytesOf(text)),
    json: (value) => add(Buffer.from(`${JSON.stringify(value)}\n`)),
    flush,
    get closed() {
      return closed;
    },
  };
}

/** Mail data as it may be shown to a person: qmail's rule, every byte that could disturb becomes "_". */
export function shown(text: string): string {
  return text.replace(/[^!-~]/g, '_');
}

/** Mail data as JSON text: its UTF-8, or, where it is none, a character for each byte. */
export function jsonText(text: string): string {
  const bytes = bytesOf(text);
  return isUtf8(bytes) ? bytes.toString('utf8') : text;
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      // Somebody made the descriptor non-blocking: the reader is slow, not gone.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
