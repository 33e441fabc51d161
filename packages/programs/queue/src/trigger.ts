// Waking qmail-send for many messages at a time.

import { pullTrigger } from '@q/fsx';

/**
 * A function that pulls the trigger at `path` at the end of this turn of the event loop, once for all who ask: of the
 * messages that waited for one sync of todo none is seen before the others. For a process that lives on.
 */
export function groupedTrigger(path: string): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    setImmediate(() => {
      asked = false;
      pullTrigger(path);
    });
  };
}
