// The tools of a virtual domain's owner, as built: what they say, what they leave, and what they refuse.

import { spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generator } from './lib/fault-shim/fault-plan.ts';
import { DIST } from './lib/instance.ts';
import { installed, run } from './lib/run.ts';
import { SEED } from './lib/seed.ts';
import { collect, makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

let domain: VirtualDomain;

beforeEach(async () => {
  domain = await makeVirtualDomain('vmailmgr-');
});
afterEach(() => domain.remove());

const inHome = (path: string) => join(domain.home, path);
const modeOf = (path: string) => statSync(inHome(path)).mode & 0o7777;

/** The table as an independent reader shows it: key -> data. */
async function dump(): Promise<Map<string, string>> {
  const { out } = await run('cdb', ['-d', inHome('passwd.cdb')]);
  const records = new Map<string, string>();
  let rest = out;
  for (;;) {
    const head = /^\+(\d+),(\d+):/.exec(rest.toString('latin1', 0, 40));
    if (head === null) return records;
    const keyAt = head[0].length;
    const dataAt = keyAt + Number(head[1]) + 2;
    const end = dataAt + Number(head[2]);
    records.set(rest.toString('latin1', keyAt, dataAt - 2), rest.toString('latin1', dataAt, end));
    rest = rest.subarray(end + 1);
  }
}

async function addUser(name: string, ...options: string[]): Promise<void> {
  expect(await domain.tool('vadduser', ['-P', ...options, name])).toMatchObject({ code: 0 });
}

describe('vsetup', () => {
  test('makes the users directory, .qmail-default for the vdeliver beside it, and the postmasters', async () => {
    expect(await domain.tool('vsetup', [])).toEqual({
      code: 0,
      out:
        'vsetup: created users directory.\n' +
        "vsetup: wrote '.qmail-default' file.\n" +
        "vsetup: added alias 'mailer-daemon'\n" +
        "vsetup: added alias 'postmaster'\n" +
        "vsetup: added alias 'root'\n",
      err: '',
    });
    expect(readFileSync(inHome('.qmail-default'), 'utf8')).toBe(`|${DIST}/vdeliver\n`);
    expect([modeOf('users'), modeOf('.qmail-default'), modeOf('passwd.cdb')]).toEqual([
      0o755, 0o644, 0o600,
    ]);
    expect((await domain.tool('listvdomain', [])).out).toBe(
      'User Mailbox Aliases\nmailer-daemon No postmaster@\npostmaster No postmaster@\nroot No postmaster@\n',
    );
  });

  test('run again it does no harm, and keeps a .qmail-default that somebody else wrote', async () => {
    domain.write(inHome('.qmail-default'), './Maildir/\n');
    const first = await domain.tool('vsetup', []);
    expect(first.err).toBe(
      "vsetup: warning: '.qmail-default' file exists, renaming to '.qmail-default~'.\n",
    );
    const again = await domain.tool('vsetup', []);
    expect(again.code).toBe(0);
    expect(again.out).toBe(
      "vsetup: users directory already exists.\nvsetup: wrote '.qmail-default' file.\n",
    );
    expect(again.err).toContain("vsetup: warning: user 'root' already exists, skipping.\n");
    expect(readFileSync(inHome('.qmail-default~'), 'utf8')).toBe('./Maildir/\n');
    expect(await domain.tool('vsetup', ['--quiet'])).toEqual({ code: 0, out: '', err: '' });
  });

  test('its hooks run before and after, and a failing one ends it', async () => {
    const hook = (status: number) => `#!/bin/sh\necho "$0 $HOME" >>"$HOME/log"\nexit ${status}\n`;
    domain.write(join(domain.qmail, 'etc/vmailmgr/vsetup-post'), hook(0), 0o755);
    domain.write(inHome('.vmailmgr/vsetup-post'), hook(0), 0o755);
    expect((await domain.tool('vsetup', [])).code).toBe(0);
    const places = [join(domain.qmail, 'etc/vmailmgr'), inHome('.vmailmgr')];
    expect(readFileSync(inHome('log'), 'utf8')).toBe(
      places.map((place) => `${place}/vsetup-post ${domain.home}\n`).join(''),
    );
    domain.write(inHome('.vmailmgr/vsetup-pre'), hook(3), 0o755);
    expect(await domain.tool('vsetup', [])).toEqual({
      code: 1,
      out: '',
      err: "vsetup: Execution of 'vsetup-pre' failed!\n",
    });
  });
});

describe('vadduser', () => {
  test.runIf(installed('cdb'))(
    'writes the record that an independent reader finds, and makes the maildir (needs tinycdb)',
    async () => {
      const before = Math.floor(Date.now() / 1000);
      await addUser('other');
      const options = ['-fother', '--forward', 'x@y.test', '-c', '10', '-Q5000', '-q', '4000'];
      const more = ['--msgsize=300', '-p', 'Some One', '-e', '3600', 'Joe.Doe', 'joe', 'JD'];
      expect(await domain.tool('vadduser', [...options, ...more], 'secret \r\nrest\n')).toEqual({
        code: 0,
        out: "vadduser: user 'Joe.Doe' successfully added\n",
        err: '',
      });
      const records = await dump();
      expect([...records.keys()]).toEqual(['other', 'joe.doe', 'joe', 'jd']);
      const record = records.get('joe.doe') ?? '';
      expect(record).toMatch(/^\x02\x0a\x01\x08\x01\x00\$y\$/);
      const fields = record.slice(6).split('\0');
      expect(fields.slice(1, 10)).toEqual([
        ...['./users/Joe:Doe', 'other', 'x@y.test', '', 'Some One'],
        ...['5000', '4000', '300', '10'],
      ]);
      const [created, expiry, end] = fields.slice(10).map(Number) as [number, number, number];
      expect(created).toBeGreaterThanOrEqual(before);
      expect(expiry).toBeGreaterThanOrEqual(before + 3600);
      expect(expiry).toBeLessThanOrEqual(Date.now() / 1000 + 3600);
      expect(end).toBe(0);
      expect(records.get('jd')).toMatch(
        /^\x02\x0a\x00\x08\x01\x00\*\0\.\/users\/jd\0joe\.doe\0\0\0-/,
      );
      expect([modeOf('users/Joe:Doe'), modeOf('users/Joe:Doe/new')]).toEqual([0o700, 0o755]);
      expect(readdirSync(inHome('users/Joe:Doe')).sort()).toEqual(['cur', 'new', 'tmp']);
      expect(readdirSync(inHome('users/jd'))).toEqual([]);
    },
  );

  test('refuses what exists, what is no name, no password, and no forwarding address', async () => {
    await addUser('me');
    const says = async (args: string[], err: string, input = 'secret\n') =>
      expect(await domain.tool('vadduser', args, input)).toEqual({ code: 1, out: '', err });
    await says(['ME'], "vadduser: error: user 'ME' already exists.\n");
    const invalid = 'Virtual user or alias name contains invalid characters\n';
    for (const name of ['a b', 'a/b', 'a:b', '', 'a\tb'])
      await says(['--', name], `vadduser: error adding the virtual user:\n  ${invalid}`);
    await says(['you'], 'vadduser: error: password is empty.\n', ' \n');
    await says(['you'], 'vadduser: error: password is empty.\n', '');
    await says(
      ['-f', 'nobody', 'you'],
      "vadduser: invalid forwarding address:\n  User 'nobody' does not exist\n",
    );
    await says(
      ['-f', 'a@b@c', 'you'],
      "vadduser: invalid forwarding address:\n  Address 'a@b@c' is invalid:   Address contains more than one at (@) symbol\n",
    );
    await says(
      ['--password=', 'you'],
      'vadduser: error adding the virtual user:\n  Password field contains invalid characters\n',
    );
    await says(
      ['-c', 'many', 'you'],
      "vadduser: error adding the virtual user:\n  Invalid number 'many'\n",
    );
    for (const outside of ['..', '../x', 'users/../..'])
      expect((await domain.tool('vadduser', ['-P', '-d', outside, 'you'])).code).toBe(1);
    expect((await domain.tool('listvdomain', [])).out).toBe('User Mailbox Aliases\nme Yes\n');
    expect(readdirSync(inHome('users'))).toEqual(['me']);
    expect(await domain.tool('vadduser', ['--quiet', 'a b'])).toEqual({
      code: 1,
      out: '',
      err: '',
    });
  });

  test('usage errors are one line and exit 1; --help is on stdout', async () => {
    const wrong = await domain.tool('vadduser', []);
    expect([wrong.code, wrong.out]).toEqual([1, '']);
    expect((await domain.tool('vadduser', ['--nonsense', 'x'])).code).toBe(1);
    const help = await domain.tool('vadduser', ['--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('--hardquota');
    expect(
      await run(join(DIST, 'vadduser'), ['x'], { env: { PATH: domain.env.PATH } }),
    ).toMatchObject({ code: 1, err: "vadduser: Can't determine home directory\n" });
    expect(
      await run(join(DIST, 'vadduser'), ['x'], { env: { ...domain.env, HOME: '/no/such' } }),
    ).toMatchObject({ code: 1, err: "vadduser: Can't change to home directory\n" });
  });

  test('trouble with an alias is a warning, and the user is added all the same', async () => {
    await addUser('you');
    expect(await domain.tool('vadduser', ['-P', 'me', 'you', 'a:b'])).toEqual({
      code: 0,
      out: "vadduser: user 'me' successfully added\n",
      err:
        "vadduser: warning: alias 'you' already exists.\n" +
        "vadduser: warning: adding the alias 'a:b' failed:\n  Virtual user or alias name contains invalid characters\n",
    });
  });

  test('the settings give the directory and the limits', async () => {
    domain.write(inHome('.vmailmgr/user-dir'), 'box\n');
    domain.write(inHome('.vmailmgr/user-dir-bits'), '6\n');
    domain.write(inHome('.vmailmgr/user-dir-slices'), '1\n');
    domain.write(join(domain.qmail, 'etc/vmailmgr/default-hardquota'), '77\n');
    await addUser('c', '-D');
    expect(lstatSync(inHome('box/2f/c')).isDirectory()).toBe(true);
    if (installed('cdb')) expect((await dump()).get('c')).toContain('./box/2f/c\0\0\x0077\0');
  });

  test('takes over an empty maildir that an interrupted run left, never one with anything in it', async () => {
    for (const sub of ['users/me/new', 'users/you/new', 'users/you/cur'])
      await run('mkdir', ['-p', inHome(sub)], { uid: domain.uid, gid: domain.gid });
    domain.write(inHome('users/you/cur/1.1.old'), 'mail of the one before');
    await addUser('me');
    expect(readdirSync(inHome('users/me')).sort()).toEqual(['cur', 'new', 'tmp']);
    expect(await domain.tool('vadduser', ['-P', 'you'])).toEqual({
      code: 1,
      out: '',
      err: "vadduser: error adding the virtual user:\n  Can't create the mail directory './users/you': it is there already\n",
    });
    expect(readFileSync(inHome('users/you/cur/1.1.old'), 'utf8')).toContain('one before');
  });

  test('many at once all get their record', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `user${i}`);
    const all = await Promise.all(names.map((name) => domain.tool('vadduser', ['-P', name])));
    expect(all.map(({ code }) => code)).toEqual(names.map(() => 0));
    const { out } = await domain.tool('listvdomain', names);
    expect(out.split('\n').filter((line) => line.endsWith(' Yes'))).toHaveLength(8);
  });
});

test('vaddalias is vadduser -D -P -f, and shows its own usage', async () => {
  await addUser('me');
  expect(await domain.tool('vaddalias', ['all', 'me', 'x@y.test'])).toEqual({
    code: 0,
    out: "vadduser: user 'all' successfully added\n",
    err: '',
  });
  expect((await domain.tool('listvdomain', ['all'])).out).toBe(
    'User Mailbox Aliases\nall No me x@y.test\n',
  );
  expect(await domain.tool('vaddalias', ['all'])).toEqual({
    code: 1,
    out: 'usage: vaddalias virtuser dest [dest ...]\n',
    err: '',
  });
});

test('listvdomain shows all or some, users or aliases, in the order of the file', async () => {
  await addUser('zoe');
  await addUser('amy');
  await domain.tool('vaddalias', ['all', 'zoe', 'amy']);
  expect(await domain.tool('listvdomain', ['-a'])).toMatchObject({
    code: 0,
    out: 'User Mailbox Aliases\nall No zoe amy\n',
  });
  expect((await domain.tool('listvdomain', ['-u'])).out).toBe(
    'User Mailbox Aliases\nzoe Yes\namy Yes\n',
  );
  expect(await domain.tool('listvdomain', ['AMY', 'bob'])).toEqual({
    code: 1,
    out: 'User Mailbox Aliases\namy Yes\n',
    err: "listvdomain: unknown user 'bob'\n",
  });
  expect(await domain.tool('listvdomain', ['-a', '-u'])).toEqual({
    code: 1,
    out: '',
    err: 'listvdomain: specify only one of -a and -u\n',
  });
});

describe('vpasswd', () => {
  test('changes the password, from one line of stdin', async () => {
    await addUser('me');
    expect(await domain.tool('vpasswd', ['ME'], 'new one\n')).toEqual({
      code: 0,
      out: "vpasswd: password for user 'me' successfully changed.\n",
      err: '',
    });
    expect(await domain.tool('vpasswd', ['you'], 'new one\n')).toEqual({
      code: 1,
      out: '',
      err: "vpasswd: error changing the password for user 'you':\n  Invalid or unknown virtual user\n",
    });
    expect(await domain.tool('vpasswd', ['me'], '\n')).toMatchObject({
      code: 1,
      err: 'vpasswd: error: password is empty.\n',
    });
    expect((await domain.tool('vpasswd', ['me'], 'x'.repeat(481))).code).toBe(1);
  });

  test('leaves the rest of stdin to the script that called it', async () => {
    await addUser('me');
    const { out } = await run('sh', ['-c', `(${DIST}/vpasswd --quiet me; cat)`], {
      env: domain.env,
      uid: domain.uid,
      gid: domain.gid,
      input: 'password\nthe rest\n',
    });
    expect(out.toString()).toBe('the rest\n');
  });

  test.runIf(installed('python3'))(
    'asks twice on a terminal and shows nothing of what is typed (needs python3)',
    async () => {
      await addUser('me');
      const type = async (...lines: string[]) => {
        const script = join(import.meta.dirname, 'lib/type-on-terminal.py');
        const ran = await run('python3', [script, join(DIST, 'vpasswd'), 'me', '--', ...lines], {
          env: domain.env,
          uid: domain.uid,
          gid: domain.gid,
        });
        return { code: ran.code, said: ran.out.toString('latin1').replaceAll('\r\n', '\n') };
      };
      const prompts = "Enter the user's new password: \nPlease type it again for verification: \n";
      expect(await type('Sesam\u00e9x\x7f', 'bad line\x15Sesam\u00e9')).toEqual({
        code: 0,
        said: `${prompts}vpasswd: password for user 'me' successfully changed.\n`,
      });
      expect(await type('one', 'two')).toEqual({
        code: 1,
        said: `${prompts}vpasswd: error: passwords don't match\n`,
      });
      expect(await type('', '')).toEqual({
        code: 1,
        said: `${prompts}vpasswd: error: password is empty.\n`,
      });
      expect((await type('one\x03')).code).toBe(254);
    },
  );
});

describe('vdeluser', () => {
  test('deletes record and directory, and says how many could not be', async () => {
    await addUser('me');
    await addUser('you');
    domain.write(inHome('users/me/new/1.1.host'), 'mail');
    expect(await domain.tool('vdeluser', ['me', 'nobody', 'You'])).toEqual({
      code: 1,
      out: "vdeluser: user 'me' successfully deleted.\nvdeluser: user 'You' successfully deleted.\n",
      err:
        "vdeluser: error deleting user 'nobody':\n  User does not exist\n" +
        'vdeluser: 1 errors were encountered.\n',
    });
    expect(readdirSync(inHome('users'))).toEqual([]);
    expect((await domain.tool('listvdomain', [])).out).toBe('User Mailbox Aliases\n');
  });

  test('with -D it deletes aliases only', async () => {
    await addUser('me');
    await domain.tool('vaddalias', ['all', 'me']);
    const said = await domain.tool('vdeluser', ['-D', 'me', 'all']);
    expect(said.code).toBe(1);
    expect(said.err).toContain("vdeluser: error deleting user 'me':\n  User has a mailbox\n");
    expect((await domain.tool('listvdomain', [])).out).toBe('User Mailbox Aliases\nme Yes\n');
  });

  test('never leaves the users directory, by dots, links or a shared directory', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'outside-'));
    try {
      writeFileSync(join(outside, 'precious'), 'x');
      await addUser('link');
      rmSync(inHome('users/link'), { recursive: true });
      symlinkSync(outside, inHome('users/link'));
      await addUser('through', '-d', 'users/deep/through');
      rmSync(inHome('users/deep'), { recursive: true });
      mkdirSync(join(outside, 'through'));
      symlinkSync(outside, inHome('users/deep'));
      await addUser('elsewhere', '-d', 'elsewhere');
      await addUser('keeper');
      await addUser('guest', '-d', 'users/keeper/inner');
      const said = await domain.tool('vdeluser', ['link', 'through', 'elsewhere', 'guest']);
      expect(said.out).toBe("vdeluser: user 'link' successfully deleted.\n");
      expect(said.err).toContain("deleting user 'through':\n  Couldn't delete user's directory\n");
      expect(said.err).toContain(
        "deleting user 'elsewhere':\n  Couldn't delete user's directory\n",
      );
      expect(said.err).toContain("  it is also that of user 'keeper'\n");
      expect(readdirSync(outside).sort()).toEqual(['precious', 'through']);
      expect(existsSync(inHome('users/link'))).toBe(false);
      expect(existsSync(inHome('elsewhere/new'))).toBe(true);
      expect(existsSync(inHome('users/keeper/inner/new'))).toBe(true);
      expect((await domain.tool('listvdomain', [])).out).toBe('User Mailbox Aliases\nkeeper Yes\n');
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  test('finishes what an interrupted deletion left', async () => {
    await addUser('me');
    await addUser('you');
    renameSync(inHome('users/me'), inHome('users/.deleted.1.2.3'));
    expect((await domain.tool('vdeluser', ['me'])).code).toBe(0);
    expect(readdirSync(inHome('users'))).toEqual(['you']);
  });
});

test('kill -9 at any moment of vadduser and vdeluser leaves what the next run repairs', async () => {
  await domain.tool('vsetup', []);
  const random = generator(SEED);
  for (let round = 0; round < 12; round++) {
    await killed(round % 2 === 0 ? ['vadduser', '-P', 'me'] : ['vdeluser', 'me'], random());
    const { code, out } = await domain.tool('listvdomain', []);
    expect([code, out.startsWith('User Mailbox Aliases\nmailer-daemon')], `seed ${SEED}`).toEqual([
      0,
      true,
    ]);
    // A record is never without its maildir; a directory without a record is empty here, so it is reused.
    if (out.includes('me Yes')) {
      expect(existsSync(inHome('users/me/new')), `seed ${SEED}`).toBe(true);
      if (random() < 0.5) expect((await domain.tool('vdeluser', ['me'])).code).toBe(0);
    } else {
      expect(await domain.tool('vadduser', ['-P', 'me']), `seed ${SEED}`).toMatchObject({
        code: 0,
      });
    }
  }
});

/** Runs a tool and kills it after a fraction of the time it takes. */
async function killed([name, ...args]: string[], fraction: number): Promise<void> {
  const child = spawn(join(DIST, name ?? ''), args, {
    env: domain.env,
    uid: domain.uid,
    gid: domain.gid,
    stdio: 'ignore',
  });
  const ended = collect(child);
  await Promise.race([ended, sleep(40 + fraction * 160)]);
  child.kill('SIGKILL');
  await ended;
}
