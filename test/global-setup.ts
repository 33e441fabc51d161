// End-to-end tests run the built executables; a stale build would give false results.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export default function setup(): void {
  const root = join(import.meta.dirname, '..');
  const script = "import('./scripts/prepare.mjs').then((m) => m.prepare())";
  execFileSync(process.execPath, ['-e', script], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
