// The real programs, bundled from source into a tree of their own: for the tests of qmail-lspawn and
// qmail-rspawn and of what they start.

import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
// biome-ignore lint/correctness/noUndeclaredDependencies: a root devDependency, and this file is for tests
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '../../../../..');

/** Puts the named programs into `home`/bin, executable by everybody. */
export async function buildExecutables(home: string, names: readonly string[]): Promise<void> {
  const bin = join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  await build({
    entryPoints: names.map((name) => ({ in: join(ROOT, `bin/src/${name}.ts`), out: name })),
    outdir: bin,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['koffi', 'fs-ext'],
    define: { 'import.meta.url': '__bundleUrl' },
    banner: {
      js: "#!/usr/bin/env node\nconst __bundleUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    logLevel: 'error',
  });
  for (const name of names) {
    chmodSync(join(bin, `${name}.cjs`), 0o755);
    symlinkSync(`${name}.cjs`, join(bin, name));
  }
  const modules = join(bin, 'node_modules');
  if (!existsSync(modules)) symlinkSync(join(ROOT, 'bin/node_modules'), modules);
}
