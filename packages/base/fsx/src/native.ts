// fs-ext, the native module behind flock(2) and lseek(2): Node has neither. Loaded at first use.

import { createRequire } from 'node:module';

type FsExt = typeof import('fs-ext');

let loaded: FsExt | undefined;

export function fsExt(): FsExt {
  loaded ??= createRequire(import.meta.url)('fs-ext') as FsExt;
  return loaded;
}
