// The real programs in a tree of their own: for the tests of qmail-lspawn and qmail-rspawn and of what
// they start.

import { join } from 'node:path';
import { bundlePrograms } from '@q/proc/testing';

/** Puts the named programs into `home`/bin, executable by everybody. */
export function buildExecutables(home: string, names: readonly string[]): Promise<void> {
  return bundlePrograms(join(home, 'bin'), names);
}
