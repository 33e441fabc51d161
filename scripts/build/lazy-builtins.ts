// Node's own modules that cost milliseconds to load (tls 3, crypto 3, child_process 2.5 of a start of 35) are loaded by a bundled
// program when it first uses them, which most never do: `import { connect } from 'node:tls'` becomes an object that loads at the
// first look at one of its names.

const COSTLY = [
  'child_process',
  'crypto',
  'dns',
  'dns/promises',
  'fs/promises',
  'inspector',
  'os',
  'perf_hooks',
  'tls',
  'worker_threads',
  'zlib',
];

// What esbuild makes of an import of names, at the top or where a module is initialized; `import x from` and `import * as x` have __toESM( around it and stay as they are.
const IMPORT = new RegExp(
  `\\b(import_[\\w$]+ ?= ?)require\\("(?:node:)?(${COSTLY.join('|')})"\\)(?=[;,])`,
  'g',
);

const LAZY = `
const __lazily = (name) => {
  let loaded;
  return new Proxy({}, { get: (_, key) => (loaded ??= require(name))[key] });
};`;

/** tsup's plugin for it. */
export function lazyBuiltins() {
  return {
    name: 'lazy-builtins',
    renderChunk(code: string) {
      return { code: code.replace(IMPORT, '$1__lazily("node:$2")') };
    },
  };
}

/** What stands at the head of each bundle for it. */
export const LAZY_BUILTINS_HEAD = LAZY.replace(/\s+/g, ' ').trim();
