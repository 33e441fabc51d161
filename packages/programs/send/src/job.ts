// One attempt at one message in one channel.

import type { DoneMarks } from './done-marks.ts';
import type { EarlyMessage } from './early.ts';

export interface Job {
  readonly id: string;
  readonly sender: string;
  readonly marks: DoneMarks;
  /** When the next attempt is due. */
  readonly retry: number;
  /** This is the last attempt. */
  readonly dying: boolean;
  /** The pass while it runs, and each delivery. */
  references: number;
  /** Recipients begun and not done. */
  undone: number;
  /** The pass has seen the whole file. */
  complete: boolean;
  /** Given while the message is still in todo: it has no channel file. */
  early: EarlyMessage | undefined;
}
