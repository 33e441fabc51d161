// qmail-newu(8): users/assign, which people write, becomes users/cdb, which qmail-lspawn reads.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCdb } from '@q/cdb';
import { qmailHome } from '@q/control';
import type { Invocation } from '@q/proc';
import { compileAssign } from '@q/users';
import { soft } from '../trouble.ts';

/** Returns 0. Throws with exit code 111, whatever the trouble: users/cdb then stays as it was. */
export async function newuMain({ env }: Invocation): Promise<number> {
  const users = join(qmailHome(env), 'users');
  try {
    const text = readFileSync(join(users, 'assign'));
    await writeCdb(join(users, 'cdb'), compileAssign(text), { mode: 0o644 });
  } catch (error) {
    throw soft(error, `unable to read ${join(users, 'assign')}`);
  }
  return 0;
}
