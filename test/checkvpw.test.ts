// checkvpw, as built: who gets in, as whom the program then runs, and what a refused login costs and tells.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { changeAccounts, installed, isRoot, run } from './lib/run.ts';
import { collect, DOMAIN, makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

let domain: VirtualDomain;

beforeEach(async () => {
  domain = await makeVirtualDomain('checkvpw-');
  expect(await domain.tool('vadduser', ['me'], 'secret\n')).toMatchObject({ code: 0 });
});
afterEach(() => domain.remove());

interface Call {
  /** The program and its arguments; PROBE if not given. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** What is on descriptor 3; undefined = no such descriptor. */
  readonly block?: string | undefined;
}

/** Shows what checkvpw made of the process. */
const PROBE = [
  'sh',
  '-c',
  'env; echo "pid=$$"; echo "ids=$(id -u) $(id -g) $(id -G)"; echo "cwd=$(pwd)"; echo "arg=$2"; echo "input=$(cat)"',
  'probe',
  'first',
  './Maildir/',
];

interface Answer {
  readonly code: number | null;
  readonly pid: number | undefined;
  readonly out: string;
  readonly err: string;
  /** NAME=VALUE lines of the probe. */
  readonly shown: Readonly<Record<string, string>>;
}

/** Runs checkvpw as qmail-popup would: as root, or as the instance's single user. */
async function call(user: string, password: string, more: Call = {}): Promise<Answer> {
  const block = 'block' in more ? more.block : `${user}\0${password}\0<1.2@host>\0`;
  const child = spawn(join(DIST, 'checkvpw'), more.args ?? PROBE, {
    env: { PATH: domain.env.PATH, QMAILHOME: domain.qmail, ...more.env },
    stdio: ['pipe', 'pipe', 'pipe', block === undefined ? 'ignore' : 'pipe'],
    cwd: '/',
  });
  child.stdio[0]?.on('error', () => {}).end(more.input ?? '');
  const third = child.stdio[3] as Writable | null;
  third?.on('error', () => {}).end(Buffer.from(block ?? '', 'latin1'));
  const { code, out, err } = await collect(child);
  const pairs = out.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2));
  return { code, pid: child.pid, out, err, shown: Object.fromEntries(pairs) };
}

const refused = { code: 1, out: '', err: '' };
const inHome = (path: string) => join(domain.home, path);
const globalPlace = (name: string) => join(domain.qmail, 'etc/vmailmgr', name);
const ownPlace = (name: string) => inHome(`.vmailmgr/${name}`);

describe('a right password', () => {
  test('turns the very process into the program, in the home, with the environment and input', async () => {
    const { code, err, pid, shown } = await call('me@dom.test', 'secret', {
      input: 'untouched',
      env: { TCPREMOTEIP: '192.0.2.1', VUSER_HARDQUOTA: 'stale', VUSER_EXTRA: 'stale' },
    });
    expect([code, err]).toEqual([0, '']);
    expect(shown).toMatchObject({
      pid: String(pid),
      cwd: domain.home,
      arg: './users/me',
      input: 'untouched',
      TCPREMOTEIP: '192.0.2.1',
      USER: 'owner',
      HOME: domain.home,
      SHELL: '/bin/sh',
      MAILDIR: './users/me',
      VUSER: 'me',
      VUSER_EXPIRY: '-',
      VUSER_MSGCOUNT: '-',
      VUSER_MSGSIZE: '-',
      VUSER_PERSONAL: '',
      VUSER_HARDQUOTA: '-',
      VUSER_SOFTQUOTA: '-',
      VUSER_HAS_MAILBOX: '1',
      VUSER_MAILBOX_ENABLED: '1',
    });
    expect(shown.VUSER_EXTRA).toBeUndefined();
    const third = await call('me@dom.test', 'secret', {
      args: ['readlink', '/proc/self/fd/3', './Maildir/'],
    });
    expect(third.out).toBe('');
    expect(Number(shown.VUSER_CTIME)).toBeGreaterThan(1_700_000_000);
  });

  test('opens under every form of login name, and with an empty stamp', async () => {
    for (const name of ['me@dom.test', 'ME:Dom.Test', 'owner-me', 'me@owner-x.sub.dom.test'])
      expect([name, (await call(name, 'secret')).code]).toEqual([
        name,
        name.includes('sub') ? 1 : 0,
      ]);
    writeFileSync(join(domain.qmail, 'control/virtualdomains'), `.${DOMAIN}:owner\n`);
    expect((await call('me@sub.dom.test', 'secret')).code).toBe(0);
    const local = { env: { TCPLOCALHOST: 'pop.DOM.test' } };
    expect((await call('me', 'secret', local)).code).toBe(0);
    expect((await call('me', 'secret')).code).toBe(1);
    expect((await call('', '', { block: 'owner-me\0secret\0\0' })).code).toBe(0);
    expect((await call('', '', { block: 'owner-me\0secret\0\0trailing' })).code).toBe(0);
  });

  test('gives the exit code of the program, also when there is none to run', async () => {
    const ends = async (...args: string[]) => (await call('owner-me', 'secret', { args })).code;
    expect(await ends('sh', '-c', 'exit 17', 'Maildir')).toBe(17);
    expect(await ends('/no/such/program', 'Maildir')).toBe(111);
    expect(await ends('no-such-program', 'Maildir')).toBe(111);
    expect(await ends('true')).toBe(0);
  });

  test.runIf(isRoot)(
    'leaves nothing of root: uid, gid and groups are the owner (needs root)',
    async () => {
      const { shown } = await call('owner-me', 'secret');
      expect(shown.ids).toBe(`${domain.uid} ${domain.gid} ${domain.gid}`);
    },
  );

  test('replaces the argument that names a maildir, or the last one', async () => {
    const last = async (...args: string[]) => {
      const { out } = await call('owner-me', 'secret', { args: ['echo', ...args] });
      return out.trim();
    };
    expect(await last('a', 'MyMailDirs', 'maildir', 'b')).toBe('a ./users/me maildir b');
    expect(await last('a', 'b')).toBe('a ./users/me');
    domain.write(ownPlace('maildir-arg-str'), 'BOX\n');
    expect(await last('inbox', 'Maildir')).toBe('./users/me Maildir');
    rmSync(inHome('users/me'), { recursive: true });
    expect(await last('inbox')).toBe('/var/lib/vmailmgr/error-maildir/');
    domain.write(globalPlace('error-maildir'), '/nowhere\n');
    expect(await last('inbox')).toBe('/nowhere/');
  });

  test.runIf(installed('cdb'))('opens a disabled mailbox too (needs tinycdb)', async () => {
    const table = inHome('passwd.cdb');
    const dump = (await run('cdb', ['-d', table])).out.toString('latin1');
    await run('cdb', ['-c', '-p', '0644', table], {
      input: Buffer.from(dump.replace('\x08\x01', '\x08\x00'), 'latin1'),
    });
    const { code, shown } = await call('owner-me', 'secret');
    expect([code, shown.VUSER_MAILBOX_ENABLED]).toEqual([0, '0']);
  });
});

describe('a login is refused without a word', () => {
  test('for a wrong password, an unknown user, domain or owner, an alias, and what has expired', async () => {
    await domain.tool('vadduser', ['-D', '-f', 'me', 'alias'], 'secret\n');
    await domain.tool('vadduser', ['-e', '1', 'old'], 'secret\n');
    await sleep(2100);
    const logins: [string, string][] = [
      ...(['wrong', '', 'secre', 'secrets', 'SECRET'].map((p) => ['me@dom.test', p]) as []),
      ...(['you', 'alias', 'old', '+', '../me', 'me\u00e9'].map((u) => [
        `${u}@dom.test`,
        'secret',
      ]) as []),
      ...(['me@no.test', 'no-such-owner-me', 'me', '@dom.test', 'me@', '', 'owner', 'owner-'].map(
        (u) => [u, 'secret'],
      ) as []),
    ];
    for (const [user, password] of logins)
      expect({ user, password, ...(await call(user, password)) }).toMatchObject(refused);
  });

  test('and the hooks learn why, the owner\u2019s only once it is the owner who runs them', async () => {
    const script = `#!/bin/sh\necho "$0 $(id -u) $USER $VUSER: $CHECKVPW_ERROR" >>${domain.home}/log\n`;
    for (const place of [globalPlace, ownPlace])
      for (const name of ['checkvpw-loginfail', 'checkvpw-error'])
        domain.write(place(name), script, 0o755);
    domain.write(inHome('log'), '', 0o666);
    expect((await call('me@dom.test', 'wrong')).code).toBe(1);
    expect((await call('me@no.test', 'secret')).code).toBe(1);
    expect((await call('me', 'x', { args: [] })).code).toBe(2);
    const root = process.getuid?.();
    expect(readFileSync(inHome('log'), 'utf8').split('\n')).toEqual([
      `${globalPlace('checkvpw-loginfail')} ${domain.uid} owner me: Invalid or incorrect password`,
      `${ownPlace('checkvpw-loginfail')} ${domain.uid} owner me: Invalid or incorrect password`,
      `${globalPlace('checkvpw-loginfail')} ${root}  : Invalid or unknown base user or domain`,
      `${globalPlace('checkvpw-error')} ${root}  : No subprogram given to execute`,
      '',
    ]);
  });
});

test('misuse is exit 2: no program, no descriptor, too much, too few fields', async () => {
  const block = async (text: string | undefined) => await call('', '', { block: text });
  const misused = { code: 2, out: '', err: '' };
  expect(await call('owner-me', 'secret', { args: [] })).toMatchObject(misused);
  expect(await block(undefined)).toMatchObject(misused);
  for (const text of ['', 'me', 'owner-me\0secret', 'owner-me\0secret\0stamp'])
    expect(await block(text)).toMatchObject(misused);
  const full = `owner-me\0secret\0${'s'.repeat(512 - 16)}\0`;
  expect([full.length, (await block(full)).code]).toEqual([513, 2]);
  expect((await block(full.replace('ss', 's'))).code).toBe(0);
});

describe('trouble is exit 111, never a refusal', () => {
  test('a damaged table, an unreadable record, a setting that is a directory', async () => {
    const table = readFileSync(inHome('passwd.cdb'));
    writeFileSync(inHome('passwd.cdb'), table.subarray(0, 2055));
    expect(await call('owner-me', 'secret')).toMatchObject({ code: 111, out: '', err: '' });
    const record = table.indexOf('me\x02\x0a');
    table[record + 2] = 9;
    writeFileSync(inHome('passwd.cdb'), table);
    expect((await call('owner-me', 'secret')).code).toBe(111);
    mkdirSync(globalPlace('separators'));
    expect((await call('me@dom.test', 'secret')).code).toBe(111);
  });

  test('a home that is gone', async () => {
    rmSync(domain.home, { recursive: true });
    expect((await call('owner-me', 'secret')).code).toBe(111);
  });

  test.runIf(isRoot)('the table is never read as root (needs root)', async () => {
    const secret = join(domain.qmail, 'secret.cdb');
    writeFileSync(secret, readFileSync(inHome('passwd.cdb')), { mode: 0o600 });
    unlinkSync(inHome('passwd.cdb'));
    symlinkSync(secret, inHome('passwd.cdb'));
    expect((await call('owner-me', 'secret')).code).toBe(111);
  });
});

describe('hooks', () => {
  const log = () => readFileSync(inHome('log'), 'utf8').trimEnd().split('\n');
  const hook = (name: string, status = 0) =>
    `#!/bin/sh\necho "${name} $(id -u) $PWD $VUSER $MAILDIR" >>${domain.home}/log\nexit ${status}\n`;

  test('run in order: presetuid, postsetuid, program, postexec', async () => {
    for (const name of ['presetuid', 'postsetuid', 'postexec']) {
      domain.write(globalPlace(`checkvpw-${name}`), hook(`global-${name}`), 0o755);
      domain.write(ownPlace(`checkvpw-${name}`), hook(`own-${name}`), 0o755);
    }
    domain.write(inHome('log'), '', 0o666);
    const args = ['sh', '-c', `echo program >>${domain.home}/log; echo said; cat`, 'Maildir'];
    expect(await call('owner-me', 'secret', { args, input: 'in' })).toMatchObject({
      code: 0,
      out: 'said\nin',
    });
    const after = `${domain.uid} ${domain.home} me ./users/me`;
    expect(log()).toEqual([
      `global-presetuid ${process.getuid?.()} / me `,
      `global-postsetuid ${after}`,
      `own-postsetuid ${after}`,
      'program',
      `global-postexec ${after}`,
      `own-postexec ${after}`,
    ]);
    const failing = ['sh', '-c', 'exit 3', 'Maildir'];
    expect((await call('owner-me', 'secret', { args: failing })).code).toBe(111);
  });

  test('that fail before the program end the login for now', async () => {
    domain.write(inHome('log'), '', 0o666);
    domain.write(ownPlace('checkvpw-postsetuid'), hook('own', 1), 0o755);
    expect(await call('owner-me', 'secret')).toMatchObject({ code: 111, out: '' });
    domain.write(globalPlace('checkvpw-presetuid'), hook('global', 1), 0o755);
    expect((await call('owner-me', 'secret')).code).toBe(111);
    expect(log().map((line) => line.split(' ')[0])).toEqual(['own', 'global']);
  });
});

const ACCOUNT = 'qtcheckvpw';
const GROUP = 'qtcheckvpwg';

test.runIf(isRoot)(
  'a system user logs in by the shadow hash, with the groups of the group file (needs root)',
  async () => {
    const home = join(domain.qmail, '..', 'system');
    const must = async (file: string, args: string[], input = '') => {
      const ran = await changeAccounts(file, args, input);
      expect([file, ran.code, ran.err]).toEqual([file, 0, ran.err]);
    };
    // A run that was cut short may have left it.
    await changeAccounts('userdel', ['-r', ACCOUNT]);
    try {
      await must('groupadd', ['-f', GROUP]);
      await must('useradd', ['-m', '-d', home, '-s', '/bin/bash', '-G', GROUP, ACCOUNT]);
      await must('chpasswd', [], `${ACCOUNT}:system secret\n`);
      mkdirSync(join(home, 'Maildir'));
      const name = `${ACCOUNT}@mail.host.test`;
      const { code, shown } = await call(name, 'system secret');
      const id = (option: string) =>
        spawnSync('id', [option, ACCOUNT], { encoding: 'utf8' }).stdout.trim();
      expect(code).toBe(0);
      expect(shown).toMatchObject({
        ids: `${id('-u')} ${id('-g')} ${id('-G')}`,
        USER: ACCOUNT,
        HOME: home,
        SHELL: '/bin/bash',
        VUSER: '',
        MAILDIR: './Maildir/',
        arg: './Maildir/',
        cwd: home,
      });
      expect(shown.VUSER_HAS_MAILBOX).toBeUndefined();
      expect((await call(name, 'wrong')).code).toBe(1);
      await must('passwd', ['-l', ACCOUNT]);
      expect((await call(name, 'system secret')).code).toBe(1);
      expect((await call('root@mail.host.test', '')).code).toBe(1);
    } finally {
      await changeAccounts('userdel', ['-r', ACCOUNT]);
      await changeAccounts('groupdel', [GROUP]);
      expect(existsSync(home)).toBe(false);
    }
  },
);
