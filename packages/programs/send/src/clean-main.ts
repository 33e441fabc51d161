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
  for (;;) {
    const n = waiting(() => readSync(0, buffer, 0, buffer.length, null));
    if (n === 0) return 0;
    const answers = Buffer.from(cleaner.push(buffer.subarray(0, n)), 'latin1');
    for (let at = 0; at < answers.length; ) at += waiting(() => writeSync(1, answers, at));
  }
}

/** For descriptors that somebody has made non-blocking. 0 when the other side is gone. */
function waiting(call: () => number): number {
  for (;;) {
    try {
      return call();
    } catch (error) {
      switch (errnoOf(error)) {
        case 'EINTR':
          break;
        case 'EAGAIN':
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
          break;
        default:
          throw new Temporary(`unable to talk to qmail-send: ${errnoText(error)}`);
      }
    }
  }
}
