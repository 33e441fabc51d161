// qmail-clean(8): removes files from the queue for qmail-send, which has no right to. As user qmailq.
//
//   request = ( "foop/" / "todo/" ) 1*DIGIT NUL     ; 7 to 100 bytes with the NUL
//   answer  = "+" / "!" / "x"                       ; done / could not / not a request
//
// foop/N removes intd/N, then mess/S/N; todo/N removes intd/N, then todo/N: a crash between the two
// leaves S2 or S4, which the collector or qmail-send goes on from. What is gone already counts as removed.
// Before the first and then before every 31st further request, old files in pid are removed: messages that a
// qmail-queue began and never gave a number.

import { lstatSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '@q/fault';
import { isMessageId, OSSIFIED, type QueuePaths } from '@q/queue-files';
import { CLEAN_REQUEST_MAX, CLEAN_REQUEST_MIN, PID_SWEEP_EVERY } from './limits.ts';

const DONE = '+';
const TROUBLE = '!';
const BAD = 'x';

/** Cuts what qmail-send writes into requests and carries them out. */
export class Cleaner {
  readonly #paths: QueuePaths;
  readonly #now: () => number;
  #held = '';
  #overlong = false;
  #untilSweep = 0;

  /** `now` in seconds since 1970. */
  constructor(paths: QueuePaths, now: () => number = () => Date.now() / 1000) {
    this.#paths = paths;
    this.#now = now;
  }

  /** The answers to the requests that `chunk` completes. */
  push(chunk: Buffer): string {
    let answers = '';
    let start = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, start)) {
      this.#hold(chunk.toString('latin1', start, end));
      start = end + 1;
      answers += this.#request();
      this.sweepIfDue();
    }
    this.#hold(chunk.toString('latin1', start));
    return answers;
  }

  /** Removes what is old in pid, if it is time to. To be called before anything else, too. */
  sweepIfDue(): void {
    if (this.#untilSweep-- > 0) return;
    this.#untilSweep = PID_SWEEP_EVERY - 1;
    const directory = this.#paths.directory('pid');
    try {
      for (const name of readdirSync(directory, 'latin1')) {
        const path = Buffer.from(join(directory, name), 'latin1');
        try {
          if (this.#now() >= statSync(path).atimeMs / 1000 + OSSIFIED) unlinkSync(path);
        } catch {
          // Gone already, or for the next time.
        }
      }
    } catch {
      // The next time, then.
    }
  }

  #hold(piece: string): void {
    if (this.#held.length + piece.length > CLEAN_REQUEST_MAX) this.#overlong = true;
    else this.#held += piece;
  }

  #request(): string {
    const request = this.#held;
    const overlong = this.#overlong;
    this.#held = '';
    this.#overlong = false;
    const length = request.length + 1;
    if (overlong || length < CLEAN_REQUEST_MIN || length > CLEAN_REQUEST_MAX) return BAD;
    const id = request.slice(5);
    if (!isMessageId(id)) return BAD;
    const paths = this.#paths;
    switch (request.slice(0, 5)) {
      case 'foop/':
        return removeAll([paths.intd(id), paths.mess(id)]);
      case 'todo/':
        return removeAll([paths.intd(id), paths.todo(id)]);
      default:
        return BAD;
    }
  }
}

/** In this order; the second stays if the first does. */
function removeAll(files: readonly string[]): string {
  for (const path of files) {
    try {
      // Of a finished message intd is gone long since, and an exception costs more than this look.
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined) continue;
      unlinkSync(path);
    } catch (error) {
      // It may be gone all the same. Then "could not" would leave a message that qmail-send looks for in vain.
      if (errnoOf(error) !== 'ENOENT' && !isGone(path)) return TROUBLE;
    }
  }
  return DONE;
}

function isGone(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
