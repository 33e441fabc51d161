// A real host for a test: qmail's users and groups, a QMAILHOME owned by them, a system user with a
// password, and a domain owner with virtual users. Needs root. Everything is below one scratch directory,
// and the accounts it made are removed again.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DIST, openDirectory, removeInstance } from './instance.ts';
import { changeAccounts, run } from './run.ts';

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly password: string;
}

export interface RealHost {
  readonly top: string;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** A system user with ~/Maildir. */
  readonly joe: Account;
  /** The owner of virtual.test, with the virtual users in `virtual`. */
  readonly owner: Account;
  readonly virtual: Readonly<Record<string, string>>;
  uidOf(user: string): number;
  gidOf(group: string): number;
  remove(): Promise<void>;
}

export const LOCAL_DOMAIN = 'mail.host.test';
export const VIRTUAL_DOMAIN = 'virtual.test';
const QMAIL_USERS = ['alias', 'qmaild', 'qmaill', 'qmailp', 'qmailq', 'qmailr', 'qmails'];
const QMAIL_GROUPS = ['qmail', 'nofiles'];
const JOE = 'qtjoe';
const OWNER = 'qtowner';

/** Makes the host. Throws when this machine has qmail users of its own: a test must not touch those. */
export async function makeRealHost(): Promise<RealHost> {
  const release = await waitForTurn();
  await removeAccounts();
  const top = openDirectory('real-host-');
  const home = join(top, 'qmail');
  must(
    'setup',
    await changeAccounts(join(DIST, 'qmail-ts'), [
      'setup',
      '--dir',
      home,
      '--hostname',
      LOCAL_DOMAIN,
    ]),
  );
  const env = { PATH: `${home}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, QMAILHOME: home };
  const joe = await makeAccount(top, JOE, 'joes secret');
  const owner = await makeAccount(top, OWNER, 'owners secret');
  for (const sub of ['', 'cur', 'new', 'tmp']) ownedDirectory(join(joe.home, 'Maildir', sub), joe);
  writeFileSync(join(home, 'control/virtualdomains'), `${VIRTUAL_DOMAIN}:${OWNER}\n`);
  writeFileSync(join(home, 'control/rcpthosts'), `${LOCAL_DOMAIN}\n${VIRTUAL_DOMAIN}\n`);
  const asOwner = {
    env: { ...env, HOME: owner.home, USER: OWNER },
    uid: owner.uid,
    gid: owner.gid,
  };
  must('vsetup', await run(join(home, 'bin/vsetup'), [], asOwner));
  const virtual = { ann: 'anns secret', ben: 'bens secret' };
  for (const [name, password] of Object.entries(virtual)) {
    must(
      'vadduser',
      await run(join(home, 'bin/vadduser'), [name], { ...asOwner, input: `${password}\n` }),
    );
  }
  return {
    top,
    home,
    env,
    joe,
    owner,
    virtual,
    uidOf: (user) => Number(idOf('-u', user)),
    gidOf: (group) => Number(output('getent', ['group', group]).split(':')[2]),
    remove: async () => {
      await removeInstance(home, []);
      await removeInstance(top, []);
      await removeAccounts();
      release();
    },
  };
}

/**
 * There is one set of qmail's users on a machine, and test files run side by side: one host at a time. Gives what
 * lets the next one in; the end of this process does too.
 */
async function waitForTurn(): Promise<() => void> {
  const lock = join(tmpdir(), 'qmail-ts-test-real-host');
  const holder = spawn('flock', [lock, 'sh', '-c', 'echo; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(holder.stdout, 'data');
  return () => holder.stdin.end();
}

/** Accounts that a test made: an earlier run that was cut short may have left them. */
async function removeAccounts(): Promise<void> {
  const aliasHome = output('getent', ['passwd', 'alias']).split(':')[5];
  if (aliasHome !== undefined && !aliasHome.startsWith(tmpdir())) {
    throw new Error(
      `this host has qmail users of its own (alias lives in ${aliasHome}): run this test elsewhere`,
    );
  }
  for (const user of [...QMAIL_USERS, JOE, OWNER]) await changeAccounts('userdel', [user]);
  for (const group of [...QMAIL_GROUPS, JOE, OWNER]) await changeAccounts('groupdel', [group]);
}

async function makeAccount(top: string, name: string, password: string): Promise<Account> {
  const home = join(top, name);
  must('useradd', await changeAccounts('useradd', ['-U', '-M', '-d', home, '-s', '/bin/sh', name]));
  must('chpasswd', await changeAccounts('chpasswd', [], `${name}:${password}\n`));
  const account = {
    name,
    uid: Number(idOf('-u', name)),
    gid: Number(idOf('-g', name)),
    home,
    password,
  };
  ownedDirectory(home, account);
  chmodSync(home, 0o755);
  return account;
}

export function ownedDirectory(path: string, owner: { uid: number; gid: number }): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chownSync(path, owner.uid, owner.gid);
}

function idOf(flag: string, name: string): string {
  return output('id', [flag, name]).trim();
}

function output(command: string, args: readonly string[]): string {
  return spawnSync(command, args, { encoding: 'latin1' }).stdout;
}

function must(what: string, ran: { code: number | null; out: Buffer; err: string }): void {
  if (ran.code !== 0)
    throw new Error(`${what} failed (${ran.code}): ${ran.out.toString('latin1')}${ran.err}`);
}
