// CPU profiles of our servers: --profile.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';

/** The environment that has each Node process write its profile, if it is wanted; the users must be able to read the script. */
export function profiling({ work, profile }) {
  if (profile === undefined) return {};
  const script = join(work, 'profile.cjs');
  copyFileSync(join(import.meta.dirname, 'profile.cjs'), script);
  return { NODE_OPTIONS: `--require ${script}`, BENCH_PROFILE: profile };
}
