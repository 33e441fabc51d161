// flock(2), through fs-ext: Node has no file locks.

import { errnoOf } from '@q/fault';
import { fsExt } from './native.ts';

export type LockKind = 'exclusive' | 'shared' | 'unlock';

type Flags = 'ex' | 'sh' | 'un' | 'exnb' | 'shnb';

const FLAG = { exclusive: 'ex', shared: 'sh', unlock: 'un' } as const;

/** Waits for the lock, in a thread of the pool: at most a few at a time may wait in one process. */
export function flock(fd: number, kind: LockKind): Promise<void> {
  return new Promise((resolve, reject) => {
    fsExt().flock(fd, FLAG[kind], (error) => (error ? reject(error) : resolve()));
  });
}

/** Takes the lock if it is free at once; false when another holds it. Throws for anything else. */
export function tryFlock(fd: number, kind: LockKind): boolean {
  const flag: Flags = kind === 'unlock' ? 'un' : kind === 'exclusive' ? 'exnb' : 'shnb';
  try {
    fsExt().flockSync(fd, flag);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EAGAIN' || code === 'EWOULDBLOCK') return false;
    throw error;
  }
}
