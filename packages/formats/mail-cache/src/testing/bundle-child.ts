// child.ts and reader-child.ts as programs.

import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** The program's path, in `dir`. */
export async function bundleChild(
  dir: string,
  name: 'child' | 'reader-child' = 'child',
): Promise<string> {
  const outfile = join(dir, `${name}.cjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['fs-ext', 'lmdb'],
    define: { 'import.meta.url': '__bundleUrl' },
    banner: { js: "const __bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'error',
  });
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(dir, 'node_modules'));
  return outfile;
}
