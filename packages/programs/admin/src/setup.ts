// qmail-ts setup: prepares a real host. Makes qmail's groups and users, QMAILHOME with its owners and
// modes, and the first control files (as config-fast does). What is there already is left alone, so it
// also completes an old installation.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { qmailHome } from '@q/control';
import { Permanent, Temporary } from '@q/fault';
import { getgrnam, getpwnam } from '@q/posix';
import type { Invocation } from '@q/proc';
import { makeQueueTree } from '@q/queue-files';
import { qmailIds } from '@q/users';
import type { SubCommand, Values } from './front-door.ts';
import { ownDirectory } from './own-directory.ts';

export const setupCommand: SubCommand = {
  name: 'setup',
  summary: 'prepare this host: users, groups, QMAILHOME, the first control files (as root)',
  options: {
    dir: { type: 'string', describe: 'QMAILHOME', fallback: '$QMAILHOME or /var/qmail' },
    hostname: {
      type: 'string',
      describe: "this host's full name: writes control/me and what follows from it",
    },
  },
  run: runSetup,
};

/** User → group, in qmail's order; each home is QMAILHOME, alias's is QMAILHOME/alias. */
const USERS: readonly (readonly [string, string])[] = [
  ['alias', 'nofiles'],
  ['qmaild', 'nofiles'],
  ['qmaill', 'nofiles'],
  ['qmailp', 'nofiles'],
  ['qmailq', 'qmail'],
  ['qmailr', 'qmail'],
  ['qmails', 'qmail'],
];

async function runSetup(values: Values, invocation: Invocation): Promise<number> {
  if (process.geteuid?.() !== 0) {
    throw new Permanent(
      'setup: only root can do this; "qmail-ts start" runs a private instance without root',
    );
  }
  const home = typeof values.dir === 'string' ? values.dir : qmailHome(invocation.env);
  const hostname = values.hostname;
  if (typeof hostname === 'string' && !/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(hostname)) {
    throw new Permanent(`setup: --hostname ${hostname}: give the full name, like mail.example.org`);
  }
  makeUsers(home);
  mkdirSync(home, { recursive: true });
  const ids = qmailIds(home, 0);
  ownDirectory(join(home, 'control'), 0, ids.qmail, 0o755);
  ownDirectory(join(home, 'users'), 0, ids.qmail, 0o755);
  ownDirectory(join(home, 'alias'), ids.alias, ids.qmail, 0o2755);
  const bin = join(home, 'bin');
  if (!existsSync(bin)) symlinkSync(dirname(invocation.program), bin);
  await makeQueueTree(home, ids);
  if (typeof hostname === 'string') writeControls(home, hostname);
  say(`${home} is ready`);
  if (!existsSync(join(home, 'control/me')))
    say(`next: write this host's name into ${home}/control/me, or run setup with --hostname`);
  return 0;
}

function makeUsers(home: string): void {
  for (const group of ['nofiles', 'qmail']) {
    if (getgrnam(group) !== undefined) continue;
    run('groupadd', ['--system', group]);
    say(`made group ${group}`);
  }
  for (const [user, group] of USERS) {
    if (getpwnam(user) !== undefined) continue;
    const dir = user === 'alias' ? join(home, 'alias') : home;
    run('useradd', [
      '--system',
      '--no-create-home',
      '--home-dir',
      dir,
      '--gid',
      group,
      '--shell',
      '/usr/sbin/nologin',
      user,
    ]);
    say(`made user ${user}`);
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: 'latin1',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  if (status !== 0)
    throw new Temporary(
      `setup: ${command} ${args.at(-1)} failed: ${error?.message ?? stderr.trim()}`,
    );
}

/** What config-fast writes for a host's name: mail is accepted for that name and nothing is relayed. */
function writeControls(home: string, hostname: string): void {
  const labels = hostname.split('.');
  const controls: Record<string, string> = {
    me: hostname,
    defaultdomain: labels.length > 2 ? labels.slice(1).join('.') : hostname,
    plusdomain: labels.slice(-2).join('.'),
    locals: hostname,
    rcpthosts: hostname,
  };
  for (const [name, text] of Object.entries(controls)) {
    const path = join(home, 'control', name);
    if (existsSync(path)) continue;
    writeFileSync(path, `${text}\n`, { mode: 0o644 });
    say(`wrote ${path}: ${text}`);
  }
}

function say(line: string): void {
  process.stdout.write(`qmail-ts: ${line}\n`);
}
