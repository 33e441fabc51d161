// Files that stand for a process, such as lock files: whether the one whose number they hold is there still.

import { errnoOf } from '@q/fault';

/** kill(2) with signal 0. True also for somebody else's process, and for another one that has the number now. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
