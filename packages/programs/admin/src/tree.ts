// qmail-ts tree: makes QMAILHOME, the tree that everything lives in, for users and groups that exist.
// Everything it makes is left alone where it is there already, so it also completes an old tree.

import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { qmailHome } from '@q/control';
import type { Invocation } from '@q/proc';
import { makeQueueTree } from '@q/queue-files';
import { qmailIds } from '@q/users';
import type { SubCommand, Values } from './front-door.ts';
import { ownDirectory } from './own-directory.ts';

export const treeCommand: SubCommand = {
  name: 'tree',
  summary: 'make QMAILHOME (bin, control, users, alias, queue, run) with its owners and modes',
  options: { dir: { type: 'string', describe: 'where', fallback: '$QMAILHOME or /var/qmail' } },
  run: runTree,
};

async function runTree(values: Values, invocation: Invocation): Promise<number> {
  const home = typeof values.dir === 'string' ? values.dir : qmailHome(invocation.env);
  mkdirSync(home, { recursive: true });
  mkdirSync(join(home, 'queue'), { recursive: true });
  const ids = qmailIds(home, process.geteuid?.() ?? 0);
  ownDirectory(join(home, 'control'), 0, ids.qmail, 0o755);
  ownDirectory(join(home, 'users'), 0, ids.qmail, 0o755);
  ownDirectory(join(home, 'alias'), ids.alias, ids.qmail, 0o2755);
  const bin = join(home, 'bin');
  if (!existsSync(bin)) symlinkSync(dirname(invocation.program), bin);
  await makeQueueTree(home, ids);
  process.stdout.write(`qmail-ts: ${home} is ready\n`);
  return 0;
}
