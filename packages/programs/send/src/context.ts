// What the parts of qmail-send share.

import type { QueuePaths } from '@q/queue-files';
import type { Settings } from './controls.ts';
import type { SendLog } from './send-log.ts';

export interface Context {
  /** Paths relative to the queue, the current directory: they are shown in log lines as they are. */
  readonly paths: QueuePaths;
  readonly log: SendLog;
  /** Replaced on SIGHUP: to be looked up when needed. */
  settings: Settings;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** True once the process is to end: nothing new begins ("exitasap"). */
  stopping: boolean;
  /** Something is due at that time: a timer is set. */
  readonly wakeAt: (at: number) => void;
  /** Something has ended: the process may be able to. */
  readonly ended: () => void;
}
