// Makes bin/dist a directory that can be copied anywhere: executables, and the native modules they
// load, side by side. Runs after tsup.
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const dist = 'bin/dist';
const modules = join(dist, 'node_modules');

for (const name of readdirSync(dist)) {
  if (!name.endsWith('.cjs')) continue;
  // The bundler insists on an extension; a program's name has none.
  const program = join(dist, name.slice(0, -'.cjs'.length));
  renameSync(join(dist, name), program);
  chmodSync(program, 0o755);
}
// Whatever package.json stands above, the executables are CommonJS.
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');

rmSync(modules, { recursive: true, force: true });
mkdirSync(modules, { recursive: true });
const fromBin = createRequire(join(process.cwd(), 'bin/package.json'));
const skip =
  /\/(src|doc|vendor|lib|deps|obj\.target|\.deps)(\/|$)|\.(o|md|gypi?|mk|cc|cpp|h)$|Makefile$/;

const koffi = dirname(fromBin.resolve('koffi'));
const fsExt = dirname(fromBin.resolve('fs-ext'));
copy(koffi, 'koffi', /\/(doc|vendor|lib)(\/|$)|\.(md|h|cc|cpp|inc)$/);
copy(
  fsExt,
  'fs-ext',
  /\/(node_modules|tests?|deps)(\/|$)|obj\.target|\.deps|\.(o|d|md|cc)$|Makefile/,
);
// koffi's prebuilt binary is a package of its own, one for each platform.
const platforms = join(dirname(koffi), '@koromix');
for (const name of readdirSync(platforms))
  copy(realpathSync(join(platforms, name)), `@koromix/${name}`, skip);

function copy(from, name, unwanted) {
  const real = realpathSync(from);
  cpSync(real, join(modules, name), {
    recursive: true,
    dereference: true,
    filter: (path) => !unwanted.test(path.slice(real.length)),
  });
}
