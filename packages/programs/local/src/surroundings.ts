// What differs between a process for one delivery and a worker.

import type { DeliveryOptions } from '@q/maildir';
import type { CallFiles } from '@q/warm';
import type { WarmPrograms } from './warm-program.ts';

export interface Surroundings {
  /** The message, and where the report goes. */
  readonly files: Pick<CallFiles, 'input' | 'print'>;
  /** How some of it is done. */
  readonly way: {
    readonly warmPrograms?: WarmPrograms;
    readonly syncs?: DeliveryOptions['files'];
  };
  /** Called when it is known what is to be done, and nothing has been. May throw NotBegun. */
  readonly mayBegin?: (maildirOnly: boolean) => void;
}

/** The delivery cannot be made in these surroundings, and nothing of it has been. */
export class NotBegun extends Error {}
