// qmail-clean(8): requests on fd 0, answers on fd 1, until end of file. Synchronous throughout: it has nothing
// else to do, and its caller waits for each answer.

import { readSync, writeSync } from 'node:fs';
import { qmailHome } from '@q/control';
import { errnoOf, errnoText, Temporary } from '@q/fault';
import type { Invocation } from '@q/proc';
import { QueuePaths } from '@q/queue-files';
import { Cleaner } from './clean.ts';

export function cleanMain({ env }: Invocation): number {
  try {
    process.chdir(qmailHome(env));
    process.chdir('queue');
  } catch (error) {
    throw new Temporary(`unable to switch to queue directory: ${errnoText(error)}`);
  }
  const cleaner = new Cleaner(new QueuePaths('.'));
  cleaner.sweepIfDue();
  const buffer = Buffer.allocUnsafe(4096);
  for (let heard = true; ; ) {
    const n = waiting(() => readSync(0, buffer, 0, buffer.length, null)) ?? 0;
    if (n === 0) return 0;
    const answers = Buffer.from(cleaner.push(buffer.subarray(0, n)), 'latin1');
    // What a qmail-send that has ended asked for last is done without an answer.
    if (heard) heard = answer(answers);
  }
}

/** False when nobody is there to hear it. */
function answer(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; ) {
    const n = waiting(() => writeSync(1, bytes, at));
    if (n === undefined) return false;
    at += n;
  }
  return true;
}

/** For descriptors that somebody has made non-blocking. Undefined when the other side is gone. */
function waiting(call: () => number): number | undefined {
  for (;;) {
    try {
      return call();
    } catch (error) {
      switch (errnoOf(error)) {
        case 'EINTR':
          break;
        case 'EPIPE':
          return undefined;
        case 'EAGAIN':
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
          break;
        default:
          throw new Temporary(`unable to talk to qmail-send: ${errnoText(error)}`);
      }
    }
  }
}
