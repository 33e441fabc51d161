// "Still at it": what a client that waits for a long command is told now and then (RFC 9585).

import type { Session } from '../session.ts';
import { PROGRESS_EVERY } from './limits.ts';

/**
 * The function that is called with how much is done. It writes a note when the last one (or the beginning) is long ago.
 * `tag`: the command's. `now`: a clock in milliseconds.
 */
export function progressNotes(
  session: Pick<Session, 'untagged' | 'drain'>,
  tag: string,
  total: number,
  now: () => number = () => performance.now(),
): (done: number) => void {
  let last = now();
  return (done) => {
    const time = now();
    if (time - last < PROGRESS_EVERY) return;
    last = time;
    session.untagged(`OK [INPROGRESS ("${tag}" ${done} ${total})] Still at it`);
    // A client that is gone is found out by whoever writes next.
    session.drain().catch(() => {});
  };
}
