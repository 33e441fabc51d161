// qmail-tcpto(8), qmail-tcpok(8): the hosts that lately did not answer, as queue/lock/tcpto has them.

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import { flock } from '@q/fsx';
import { dropPrivileges } from '@q/posix';
import type { Invocation } from '@q/proc';
import { decodeTcpto, TCPTO_SIZE } from '@q/queue-files';
import { openOutput } from '../output.ts';
import { soft } from '../trouble.ts';
import { findQueue, type QueueAccess } from './access.ts';

export async function tcptoMain({ env, options }: Invocation): Promise<number> {
  const now = Math.floor(Date.now() / 1000);
  const records = await withTable(env, decodeTcpto);
  const out = openOutput();
  for (const { address, timeouts, last } of records) {
    if (timeouts === 0) continue;
    const seconds = now - last;
    if (options.json === true) out.json({ address, timeouts, secondsAgo: seconds });
    else out.write(`${address} timed out ${seconds} seconds ago; # recent timeouts: ${timeouts}\n`);
  }
  out.flush();
  return 0;
}

/** Forgets them all: a network is back, and mail is to be tried at once. */
export async function tcpokMain({ env }: Invocation): Promise<number> {
  await withTable(env, (_, fd) => writeSync(fd, Buffer.alloc(TCPTO_SIZE), 0, TCPTO_SIZE, 0));
  return 0;
}

/** Runs `use` on the locked table, as its owner qmailr. Throws Temporary for trouble. */
async function withTable<T>(
  env: Readonly<NodeJS.ProcessEnv>,
  use: (table: Buffer, fd: number) => T,
): Promise<T> {
  const access = findQueue(env);
  becomeRemote(access);
  const path = access.paths.lock('tcpto');
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      await flock(fd, 'exclusive');
      const table = Buffer.alloc(TCPTO_SIZE);
      return use(table.subarray(0, readSync(fd, table, 0, TCPTO_SIZE, 0)), fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const hint = errnoOf(error) === 'EACCES' ? ' (only root and qmailr may)' : '';
    throw soft(error, `unable to use ${path}${hint}`);
  }
}

function becomeRemote({ ids }: QueueAccess): void {
  if (ids.single || process.geteuid?.() !== 0) return;
  dropPrivileges({ uid: ids.qmailr, gid: ids.qmail });
}
