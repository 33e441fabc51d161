// Makes what tsup wrote a directory that can be copied anywhere: executables, and the native modules they
// load, side by side. Then moves it over bin/dist.
// Usage, after tsup: finish-build.mjs DIRECTORY BEGAN (milliseconds since 1970)
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { makeCodeCaches } from './build/code-caches.mjs';
import { makeProgramFile } from './build/program-file.mjs';

const [fresh, began] = process.argv.slice(2);
const dist = 'bin/dist';
const manifest = join(dist, 'package.json');
/** Whatever package.json stands above, the executables are CommonJS. */
const MANIFEST = '{ "type": "commonjs" }\n';
const partial = process.env.ONLY !== undefined;
/** What a package has besides what says who made it, what it is called and what may be done with it. */
const NOT_ITS_PAPERS = /\/(?!package\.json$|LICENSE)[^/]*/;

for (const name of readdirSync(fresh)) {
  if (!name.endsWith('.cjs')) continue;
  // The bundler insists on an extension; a program's name has none.
  const program = join(fresh, name.slice(0, -'.cjs'.length));
  renameSync(join(fresh, name), program);
  makeProgramFile(program, join(fresh, 'lib'));
}
addNativeModules(join(fresh, 'node_modules'));
writeFileSync(join(fresh, 'package.json'), MANIFEST);
makeCodeCaches(fresh);
rmSync(join(fresh, 'package.json'));

mkdirSync(dist, { recursive: true });
if (!existsSync(manifest)) {
  writeFileSync(manifest, MANIFEST);
  utimesSync(manifest, 0, 0);
}
replace(fresh, dist);
// Its time says how fresh all programs are: a source that changed while the bundler read it is newer.
if (!partial) utimesSync(manifest, began / 1000, began / 1000);
rmSync(fresh, { recursive: true });

/** Moves every file to its place, each in one step, then removes what a whole build no longer has. */
function replace(from, to) {
  mkdirSync(to, { recursive: true });
  const entries = readdirSync(from, { withFileTypes: true });
  for (const entry of entries) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) replace(source, target);
    else renameSync(source, target);
  }
  const kept = new Set(['package.json', ...entries.map(({ name }) => name)]);
  for (const name of partial ? [] : readdirSync(to))
    if (!kept.has(name)) rmSync(join(to, name), { recursive: true });
}

function addNativeModules(modules) {
  mkdirSync(modules);
  const fromBin = createRequire(join(process.cwd(), 'bin/package.json'));
  const fsExt = dirname(fromBin.resolve('fs-ext'));
  copy(
    fsExt,
    join(modules, 'fs-ext'),
    /\/(node_modules|tests?|deps)(\/|$)|obj\.target|\.deps|\.(o|d|md|cc)$|Makefile/,
  );
  addKoffi(fromBin, modules);
  addLmdb(fromBin, modules);
}

/** koffi. Its prebuilt binary is a package of its own, one for each platform, which pnpm puts beside it. */
function addKoffi(fromBin, modules) {
  const koffi = dirname(realpathSync(fromBin.resolve('koffi')));
  copy(koffi, join(modules, 'koffi'), /\/(doc|vendor|lib)(\/|$)|\.(md|h|cc|cpp|inc)$/);
  const prebuilt = join(dirname(koffi), '@koromix');
  const skip =
    /\/(src|doc|vendor|lib|deps|obj\.target|\.deps)(\/|$)|\.(o|md|gypi?|mk|cc|cpp|h)$|Makefile$/;
  for (const name of readdirSync(prebuilt))
    copy(join(prebuilt, name), join(modules, '@koromix', name), skip);
}

/** lmdb, in one piece with the packages it is made of. Its prebuilt binary is a package of its own, too. */
function addLmdb(fromBin, modules) {
  const lmdb = realpathSync(dirname(dirname(fromBin.resolve('lmdb'))));
  copy(lmdb, join(modules, 'lmdb'), NOT_ITS_PAPERS);
  copy(join(lmdb, 'dict'), join(modules, 'lmdb/dict'), /\.js$/);
  const whole = join(modules, 'lmdb/dist/index.cjs');
  buildSync({
    entryPoints: [join(lmdb, 'dist/index.cjs')],
    outfile: whole,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    charset: 'ascii',
    minifyWhitespace: true,
    legalComments: 'none',
    alias: {
      'node-gyp-build-optional-packages': fileURLToPath(
        new URL('build/native-binary.cjs', import.meta.url),
      ),
    },
    logLevel: 'error',
  });
  makeProgramFile(whole, join(fresh, 'lib'), 'lmdb');
  // pnpm puts what a package needs beside it.
  for (const name of [
    'msgpackr',
    'ordered-binary',
    'weak-lru-cache',
    '@harperfast/extended-iterable',
  ])
    copy(join(dirname(lmdb), name), join(modules, name), NOT_ITS_PAPERS);
  const prebuilt = join(dirname(lmdb), '@lmdb');
  for (const name of readdirSync(prebuilt))
    copy(join(prebuilt, name), join(modules, '@lmdb', name), /\.md$/);
}

function copy(from, to, unwanted) {
  const real = realpathSync(from);
  cpSync(real, to, {
    recursive: true,
    dereference: true,
    filter: (path) => !unwanted.test(path.slice(real.length)),
  });
}
