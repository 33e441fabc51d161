import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { defineConfig } from 'tsup';
import { LAZY_BUILTINS_HEAD, lazyBuiltins } from './scripts/build/lazy-builtins.ts';

// One self-contained executable per bin/src/NAME.ts, written as bin/dist/NAME.
// CommonJS starts a few per cent faster than ESM and needs no package.json beside it.
// ONLY=qmail-smtpd,qmail-queue builds just those and leaves the others as they are.
// Bundled beside bin/dist, and moved there file by file: programs that run meanwhile miss nothing.
const only = process.env.ONLY?.split(',');
const programs = readdirSync('bin/src').filter(
  (file) => file.endsWith('.ts') && (only === undefined || only.includes(basename(file, '.ts'))),
);

const beside = `bin/.build-${process.pid}`;

export default defineConfig({
  entry: Object.fromEntries(programs.map((file) => [basename(file, '.ts'), `bin/src/${file}`])),
  outDir: beside,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  splitting: false,
  clean: true,
  silent: true,
  shims: false,
  noExternal: [/^@q\//, 'yargs'],
  external: ['fs-ext', 'koffi', 'lmdb'],
  plugins: [lazyBuiltins()],
  esbuildOptions(options) {
    // Node keeps a program's text in memory, once in each process: without comments and indentation, and in one byte for each
    // character, which it is not if a single comment has one that latin1 lacks. Names stay, and lines that a stack trace can name.
    options.minifyWhitespace = true;
    options.lineLimit = 200;
    options.charset = 'ascii';
    // What starts a program (scripts/build/program-file.mjs) has no loader of ECMAScript modules.
    options.supported = { 'dynamic-import': false };
    // The modules under packages/ ask for their own file's address only to load native modules;
    // in the bundle that address is the executable's.
    options.define = { 'import.meta.url': '__bundleUrl' };
    options.banner = {
      js: `#!/usr/bin/env node\nconst __bundleUrl = require('node:url').pathToFileURL(__filename).href;${LAZY_BUILTINS_HEAD}`,
    };
  },
  onSuccess: `node scripts/finish-build.mjs ${beside} ${Date.now()}`,
});
