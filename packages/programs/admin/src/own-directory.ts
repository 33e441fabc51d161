// A directory with its stated owner and mode; run by an ordinary user, everything is that user's own.

import { chmodSync, chownSync, mkdirSync } from 'node:fs';

/** Makes the directory where it is missing and sets owner (uid, gid) and mode. */
export function ownDirectory(path: string, uid: number, gid: number, mode: number): void {
  mkdirSync(path, { recursive: true });
  if (process.geteuid?.() === 0) chownSync(path, uid, gid);
  chmodSync(path, mode);
}
