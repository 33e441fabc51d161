// qmail-tcpto(8), qmail-tcpok(8): the hosts that lately did not answer, as queue/lock/tcpto has them.
//
//   table  = 64 record
//   record = IPv4(4) count(1) unused(3) time(4, little-endian, seconds since 1970) unused(4)
//
// count is the number of timeouts; 0 means a free place. The table is read and changed under flock.

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { errnoOf } from '@q/fault';
import { flock } from '@q/fsx';
import { dropPrivileges } from '@q/posix';
import type { Invocation } from '@q/proc';
import { openOutput } from '../output.ts';
import { soft } from '../trouble.ts';
import { findQueue, type QueueAccess } from './access.ts';

const RECORD = 16;
const TABLE = 64 * RECORD;
const COUNT = 4;
const TIME = 8;

interface SilentHost {
  readonly address: string;
  readonly timeouts: number;
  /** Seconds since 1970. */
  readonly last: number;
}

export async function tcptoMain({ env, options }: Invocation): Promise<number> {
  const now = Math.floor(Date.now() / 1000);
  const hosts = await withTable(env, hostsIn);
  const out = openOutput();
  for (const { address, timeouts, last } of hosts) {
    const seconds = now - last;
    if (options.json === true) out.json({ address, timeouts, secondsAgo: seconds });
    else out.write(`${address} timed out ${seconds} seconds ago; # recent timeouts: ${timeouts}\n`);
  }
  out.flush();
  return 0;
}

/** Forgets them all: a network is back, and mail is to be tried at once. */
export async function tcpokMain({ env }: Invocation): Promise<number> {
  await withTable(env, (_, fd) => writeSync(fd, Buffer.alloc(TABLE), 0, TABLE, 0));
  return 0;
}

function hostsIn(table: Buffer): SilentHost[] {
  const hosts: SilentHost[] = [];
  for (let at = 0; at + RECORD <= table.length; at += RECORD) {
    const timeouts = table[at + COUNT] as number;
    if (timeouts === 0) continue;
    const address = [...table.subarray(at, at + 4)].join('.');
    hosts.push({ address, timeouts, last: table.readUInt32LE(at + TIME) });
  }
  return hosts;
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
      const table = Buffer.alloc(TABLE);
      return use(table.subarray(0, readSync(fd, table, 0, TABLE, 0)), fd);
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
