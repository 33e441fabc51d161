// flock(2), through fs-ext: Node has no file locks. The module is native and is loaded at first use.

import { createRequire } from 'node:module';
import { errnoOf } from '@q/fault';

export type LockKind = 'exclusive' | 'shared' | 'unlock';

type FsExt = typeof import('fs-ext');
type Flags = 'ex' | 'sh' | 'un' | 'exnb' | 'shnb';

const FLAG = { exclusive: 'ex', shared: 'sh', unlock: 'un' } as const;

let loaded: FsExt | undefined;

function fsExt(): FsExt {
  loaded ??= createRequire(import.meta.url)('fs-ext') as FsExt;
  return loaded;
}

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
