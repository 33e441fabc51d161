// Makes what tsup wrote a directory that can be copied anywhere: executables, and the native modules they
// load, side by side. Then moves it over bin/dist.
// Usage, after tsup: finish-build.mjs DIRECTORY BEGAN (milliseconds since 1970)
import {
  chmodSync,
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
import { basename, dirname, join } from 'node:path';

const [fresh, began] = process.argv.slice(2);
const dist = 'bin/dist';
const manifest = join(dist, 'package.json');
const partial = process.env.ONLY !== undefined;

for (const name of readdirSync(fresh)) {
  if (!name.endsWith('.cjs')) continue;
  // The bundler insists on an extension; a program's name has none.
  const program = join(fresh, name.slice(0, -'.cjs'.length));
  renameSync(join(fresh, name), program);
  chmodSync(program, 0o755);
}
addNativeModules(join(fresh, 'node_modules'));

mkdirSync(dist, { recursive: true });
if (!existsSync(manifest)) {
  // Whatever package.json stands above, the executables are CommonJS.
  writeFileSync(manifest, '{ "type": "commonjs" }\n');
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
  const koffi = dirname(fromBin.resolve('koffi'));
  const fsExt = dirname(fromBin.resolve('fs-ext'));
  copy(koffi, join(modules, 'koffi'), /\/(doc|vendor|lib)(\/|$)|\.(md|h|cc|cpp|inc)$/);
  copy(
    fsExt,
    join(modules, 'fs-ext'),
    /\/(node_modules|tests?|deps)(\/|$)|obj\.target|\.deps|\.(o|d|md|cc)$|Makefile/,
  );
  // koffi's prebuilt binary is a package of its own, one for each platform.
  const platforms = join(dirname(koffi), '@koromix');
  const skip =
    /\/(src|doc|vendor|lib|deps|obj\.target|\.deps)(\/|$)|\.(o|md|gypi?|mk|cc|cpp|h)$|Makefile$/;
  for (const name of readdirSync(platforms))
    copy(realpathSync(join(platforms, name)), join(modules, '@koromix', name), skip);
  addLmdb(fromBin, modules);
}

/** lmdb and the packages it needs to run. Its prebuilt binary is a package of its own, too. */
function addLmdb(fromBin, modules) {
  const lmdb = realpathSync(dirname(dirname(fromBin.resolve('lmdb'))));
  // pnpm puts what a package needs beside it.
  const needed = dirname(lmdb);
  const loader = realpathSync(join(needed, 'node-gyp-build-optional-packages'));
  const skip = /\/(src|dependencies|util|assets|tests|node_modules)(\/|$)|\.(map|md|gyp|d\.c?ts)$/;
  const packages = [lmdb, loader, join(dirname(loader), 'detect-libc')];
  for (const name of ['msgpackr', 'ordered-binary', 'weak-lru-cache'])
    packages.push(join(needed, name));
  for (const path of packages) copy(path, join(modules, basename(path)), skip);
  for (const scope of ['@lmdb', '@harperfast'])
    for (const name of readdirSync(join(needed, scope)))
      copy(join(needed, scope, name), join(modules, scope, name), skip);
}

function copy(from, to, unwanted) {
  const real = realpathSync(from);
  cpSync(real, to, {
    recursive: true,
    dereference: true,
    filter: (path) => !unwanted.test(path.slice(real.length)),
  });
}
