// Whether a directory is the one it was. Removed and made anew it may well have the same inode number; then its birth tells.

import type { Stats } from 'node:fs';

export interface Identity {
  readonly inode: string;
  /** Milliseconds; undefined where births are not recorded. */
  readonly born: number | undefined;
}

export function identityOf({ dev, ino, birthtimeMs, ctimeMs }: Stats): Identity {
  // File systems without it have 0 there, and older kernels the time of the last change.
  const isKnown = birthtimeMs > 0 && birthtimeMs !== ctimeMs;
  return { inode: `${dev} ${ino}`, born: isKnown ? birthtimeMs : undefined };
}

export function isSame(one: Identity, other: Identity): boolean {
  const isOtherBirth =
    one.born !== undefined && other.born !== undefined && one.born !== other.born;
  return one.inode === other.inode && !isOtherBirth;
}
