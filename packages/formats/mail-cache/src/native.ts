// lmdb, the engine behind the cache: a native module, loaded at first use.

import { createRequire } from 'node:module';

type Lmdb = typeof import('lmdb');

let loaded: Lmdb | undefined;

export function lmdb(): Lmdb {
  loaded ??= createRequire(import.meta.url)('lmdb') as Lmdb;
  return loaded;
}
