// What goes over the socket between a caller and a warm worker, which is a program that has been started
// before it is needed. One call at a time:
//
//   worker → caller   ready  = OCTET 87                ; "W", once: "I am a worker"
//   caller → worker   call   = JSON LF                 ; {"args": [...], "env": {...}}
//   worker → caller   answer = code more               ; the exit code, one octet, and whether it goes on
//   more              = OCTET 0 / OCTET 1              ; 0: use me no more
//
// Before each call its three open files, which become fd 0, 1 and 2, go over a second socket (SCM_RIGHTS),
// so they are there when the call is. The worker's descriptors:
//
//   0 1 2   /dev/null, and during a call the call's
//   3       calls and answers
//   4       open files
//
// A worker that is gone without an answer has crashed; after the end of its input it finishes and goes.
//
// Example: W, then {"args":["joe","/home/joe"]} LF, then <00 01>

import { CALL_MAX } from './limits.ts';

export const CALLS_FD = 3;
export const FILES_FD = 4;
/** Open files of a call. */
export const FILES = 3;
export const READY_BYTE = 87;
export const ANSWER_LENGTH = 2;

export interface Call {
  readonly args: readonly string[];
  /** Instead of the worker's own environment. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
}

export function encodeCall({ args, env }: Call): Buffer {
  return Buffer.from(`${JSON.stringify({ args, env })}\n`); // JSON has no LF inside
}

/** Reads calls from chunks that may be cut anywhere. Throws RangeError for one that is too long. */
export class CallDecoder {
  #parts: Buffer[] = [];
  #held = 0;

  push(chunk: Buffer): Call[] {
    const calls: Call[] = [];
    let rest = chunk;
    for (let lf = rest.indexOf(10); lf >= 0; lf = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#parts, rest.subarray(0, lf)]);
      this.#parts = [];
      this.#held = 0;
      rest = rest.subarray(lf + 1);
      calls.push(JSON.parse(line.toString()) as Call);
    }
    this.#held += rest.length;
    if (this.#held > CALL_MAX) throw new RangeError('call too long');
    if (rest.length > 0) this.#parts.push(rest);
    return calls;
  }
}

export function encodeAnswer(code: number, more: boolean): Buffer {
  return Buffer.of(code & 0xff, more ? 1 : 0);
}
