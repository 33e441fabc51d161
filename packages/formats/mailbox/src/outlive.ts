// UIDVALIDITY counts seconds. A folder that is removed, and made anew within the second in which it got its own, would have
// the same again, and clients would take its messages for those they know.

import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { UIDS_FILE } from './uiddb.ts';

/**
 * Waits, a second at most, until a folder that is made from now on has a larger UIDVALIDITY than those in `dirs`. Never throws.
 * `now` in milliseconds.
 */
export async function outliveUidValidity(
  dirs: readonly string[],
  now: () => number = Date.now,
): Promise<void> {
  const newest = Math.max(0, ...dirs.map(writtenAt));
  const second = Math.floor(now() / 1000);
  // Also when the clock of a server's disk is ahead of ours: no more than one.
  if (Math.floor(newest / 1000) >= second) await sleep((second + 1) * 1000 - now() + 1);
}

/** It was given when the file was first written, or before. */
function writtenAt(dir: string): number {
  try {
    return statSync(`${dir}/${UIDS_FILE}`).mtimeMs;
  } catch {
    return 0;
  }
}
