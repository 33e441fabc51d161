// The real programs, bundled from source for one test, with what the build does to them: so a package's
// tests never meet a stale bin/dist, and a plugin can change one module under a program's feet.

import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '../../../../..');

/** Puts the named programs into `dir` (made if missing), executable by everybody, with their native modules. */
export async function bundlePrograms(
  dir: string,
  names: readonly string[],
  plugins: Plugin[] = [],
): Promise<void> {
  mkdirSync(dir, { recursive: true });
  await build({
    entryPoints: names.map((name) => ({ in: join(ROOT, `bin/src/${name}.ts`), out: name })),
    outdir: dir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['koffi', 'fs-ext', 'lmdb'],
    define: { 'import.meta.url': '__bundleUrl' },
    banner: {
      js: "#!/usr/bin/env node\nconst __bundleUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    logLevel: 'error',
    plugins,
  });
  for (const name of names) {
    renameSync(join(dir, `${name}.js`), join(dir, name));
    chmodSync(join(dir, name), 0o755);
  }
  const modules = join(dir, 'node_modules');
  if (!existsSync(modules)) symlinkSync(join(ROOT, 'bin/node_modules'), modules);
}
