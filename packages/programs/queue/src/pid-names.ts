// The file a message begins as, queue/pid/PID.TIME.SEQ. No two names of one process are the same; another
// process with a recycled pid in the same second meets O_EXCL and takes the next one.

import { errnoOf } from '@q/fault';
import { createExclusiveSync } from '@q/fsx';
import type { QueuePaths } from '@q/queue-files';
import { QueueExit } from '@q/queue-socket';
import { PID_NAME_TRIES } from './limits.ts';
import { faultFor } from './steps.ts';

const MODE = 0o644;

export class PidNames {
  readonly #pid: number;
  #second = 0;
  #seq = 0;

  constructor(pid = process.pid) {
    this.#pid = pid;
  }

  /** The next name; `now` in milliseconds. */
  next(now: number): string {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#seq = 0;
    }
    return `${this.#pid}.${second}.${++this.#seq}`;
  }
}

/** A new, empty file in queue/pid, open for writing; `now` in milliseconds. */
export function createPidFile(
  paths: QueuePaths,
  names: PidNames,
  now: number,
): { fd: number; path: string } {
  for (let attempt = 1; ; attempt++) {
    const path = paths.pid(names.next(now));
    try {
      return { fd: createExclusiveSync(path, MODE), path };
    } catch (error) {
      if (errnoOf(error) === 'EEXIST' && attempt < PID_NAME_TRIES) continue;
      throw faultFor(QueueExit.NO_PID_FILE, 'unable to create in pid', error);
    }
  }
}
