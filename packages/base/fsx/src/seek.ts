// lseek(2): the offset of an open file description, which children share.

import { fsExt } from './native.ts';

/** Puts the offset back to the start, for a child that reads `fd` from where it stands. */
export function rewindFd(fd: number): void {
  fsExt().seekSync(fd, 0, 0);
}
