// The tools that change many users, or one thing of a user, as built and as the domain's owner: what they say,
// what they leave, and that an independent reader finds it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { encodeCdb } from '@q/cdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { installed, run } from './lib/run.ts';
import { collect, MESSAGE, makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

let domain: VirtualDomain;

beforeEach(async () => {
  domain = await makeVirtualDomain('vmailmgr-bulk-');
});
afterEach(() => domain.remove());

const inHome = (path: string) => join(domain.home, path);
const table = () => readFileSync(inHome('passwd.cdb'));

async function addUser(name: string, ...options: string[]): Promise<void> {
  expect(await domain.tool('vadduser', ['-P', ...options, name])).toMatchObject({ code: 0 });
}

async function dumped(name: string): Promise<Record<string, unknown>> {
  const { out } = await domain.tool('dumpvuser', ['--json', name]);
  return JSON.parse(Buffer.from(out, 'latin1').toString());
}

/** Runs a line of shell as the owner, with our programs in its path. */
const shell = (line: string, input = '') =>
  run('sh', ['-c', line], {
    env: domain.env,
    uid: domain.uid,
    gid: domain.gid,
    cwd: '/',
    input,
  });

describe('vaddusers', () => {
  test('adds users with aliases, says what was done, and counts what was not', async () => {
    const input = 'Joe secret sales Info\nanne geheim joe\n\nonly\nanne x\na/b x\nlast \xe9t\xe9';
    expect(
      await domain.tool('vaddusers', [], Buffer.from(input, 'latin1').toString('latin1')),
    ).toEqual({
      code: 1,
      out: "added user 'joe', alias 'sales', alias 'info'\nadded user 'anne'\nadded user 'last'\n",
      err:
        "vaddusers: warning: alias 'joe' already exists, skipping.\n" +
        'vaddusers: invalid line, ignoring:\n  \n' +
        'vaddusers: invalid line, ignoring:\n  only\n' +
        "vaddusers: error: user 'anne' already exists, skipping.\n" +
        'vaddusers: error adding the virtual user, skipping aliases:\n' +
        '  Virtual user or alias name contains invalid characters\n' +
        'vaddusers: 5 errors were encountered.\n',
    });
    expect((await domain.tool('listvdomain', [])).out).toBe(
      'User Mailbox Aliases\njoe Yes\nsales No joe\ninfo No joe\nanne Yes\nlast Yes\n',
    );
    expect(readdirSync(inHome('users/joe')).sort()).toEqual(['cur', 'new', 'tmp']);
    expect((await dumped('joe')).password).toMatch(/^\$y\$/);
  });

  test('of a classic script, with its input from a file', async () => {
    domain.write(inHome('list'), 'joe secret\nanne geheim info\n');
    const ran = await shell('vaddusers <$HOME/list && vadduser -P bob && listvdomain -u', '');
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out.toString()).toBe(
      "added user 'joe'\nadded user 'anne', alias 'info'\n" +
        "vadduser: user 'bob' successfully added\nUser Mailbox Aliases\njoe Yes\nanne Yes\nbob Yes\n",
    );
  });

  test('writes the table once for many users, and --quiet says nothing', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => `user${i} *\n`).join('');
    expect(await domain.tool('vaddusers', ['--hashed', '--quiet'], lines)).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    const { out } = await domain.tool('listvdomain', ['-u']);
    expect(out.split('\n')).toHaveLength(502);
    expect(readdirSync(inHome('users'))).toHaveLength(500);
    // A second table would have been written into another inode, beside this one.
    expect(readdirSync(domain.home).sort()).toEqual(['passwd.cdb', 'passwd.cdb.lock', 'users']);
  });

  test('answers a program that waits for the answer before it writes on', async () => {
    const child = spawn(join(DIST, 'vaddusers'), ['--hashed'], {
      env: domain.env,
      uid: domain.uid,
      gid: domain.gid,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
    for (const name of ['joe', 'anne']) {
      child.stdin.write(`${name} *\n`);
      expect((await answers.next()).value).toBe(`added user '${name}'`);
      expect((await domain.tool('listvdomain', [name])).code).toBe(0);
    }
    child.stdin.end();
    expect((await ended)[0]).toBe(0);
  });

  test('with --hashed stores what is given, and the user logs in with the password it was made from', async () => {
    const md5 = '$1$abcdefgh$G//4keteveJp0qb8z2DxG/';
    expect((await domain.tool('vaddusers', ['--hashed'], `joe ${md5}\n`)).code).toBe(0);
    expect((await dumped('joe')).password).toBe(md5);
  });

  test('two at once with the same users add each of them once', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `user${i} *\n`).join('');
    const both = await Promise.all([1, 2].map(() => domain.tool('vaddusers', ['--hashed'], lines)));
    const added = both.flatMap(({ out }) => out.split('\n').filter((line) => line !== ''));
    expect(new Set(added).size).toBe(40);
    expect(added).toHaveLength(40);
    const { out } = await domain.tool('listvdomain', ['-u']);
    expect(out.split('\n')).toHaveLength(42);
    for (let i = 0; i < 40; i++) expect(existsSync(inHome(`users/user${i}/new`))).toBe(true);
  });
});

test('vpasswds changes many passwords, in one change of the table', async () => {
  await addUser('joe');
  await addUser('anne');
  expect(await domain.tool('vpasswds', [], 'JOE new rest\nnobody x\nbad\nanne other\n')).toEqual({
    code: 1,
    out:
      "vpasswds: password for user 'joe' successfully changed.\n" +
      "vpasswds: password for user 'anne' successfully changed.\n",
    err:
      "vpasswds: error changing the password for user 'nobody':\n  Invalid or unknown virtual user\n" +
      'vpasswds: invalid line, ignoring:\n  bad\n' +
      'vpasswds: 2 errors were encountered.\n',
  });
  expect((await dumped('joe')).password).toMatch(/^\$y\$/);
});

test('vchattr changes each attribute, for several users at once; the exit code is the number of errors', async () => {
  await addUser('joe');
  await addUser('anne');
  const change = async (...args: string[]) =>
    expect(await domain.tool('vchattr', args)).toMatchObject({ code: 0, err: '' });
  await change('-c', '10', 'joe');
  await change('-e', '2000000000', 'joe');
  await change('-E', '0', 'joe');
  await change('-p', 'Some One', 'joe');
  await change('--softquota', '4000', 'joe');
  await change('-Q', '5368709120', 'Joe', 'anne');
  await change('-z', '300', 'joe');
  expect(await dumped('joe')).toMatchObject({
    messageCount: 10,
    expiry: 2_000_000_000,
    mailboxEnabled: false,
    personal: 'Some One',
    softQuota: 4000,
    hardQuota: 5_368_709_120,
    messageSize: 300,
  });
  await change('-Q', '--', '-', 'anne');
  expect((await dumped('anne')).hardQuota).toBeNull();
  const before = table();
  expect(await domain.tool('vchattr', ['-q', 'x', 'joe', 'no', 'anne'])).toEqual({
    code: 3,
    out: '',
    err:
      "vchattr: error changing the attribute for user 'joe':\n  Invalid number\n" +
      "vchattr: error changing the attribute for user 'no':\n  Invalid or unknown virtual user\n" +
      "vchattr: error changing the attribute for user 'anne':\n  Invalid number\n",
  });
  expect(await domain.tool('vchattr', ['5', 'joe'])).toEqual({
    code: 1,
    out: '',
    err: 'vchattr: Must select an attribute to change.\n',
  });
  const many = Array.from({ length: 256 }, (_, i) => `nobody${i}`);
  expect((await domain.tool('vchattr', ['--quiet', '-c', '1', ...many])).code).toBe(255);
  expect(table()).toEqual(before);
});

test('vchforwards replaces all forwards, or none when one is wrong, and never touches the mailbox', async () => {
  await addUser('joe', '-f', 'old@y.test');
  await addUser('anne');
  domain.write(inHome('users/joe/new/1.1.host'), 'mail');
  expect(await domain.tool('vchforwards', ['Joe', 'anne', 'x@y.test'])).toEqual({
    code: 0,
    out: "vchforwards: User 'joe' successfully changed.\n",
    err: '',
  });
  expect(await domain.tool('vchforwards', ['joe', 'x@y.test', 'nope'])).toEqual({
    code: 1,
    out: '',
    err: "vchforwards: error with forwarding address 'nope':\n  User 'nope' does not exist\n",
  });
  expect((await domain.tool('vchforwards', ['nobody'])).err).toBe(
    "vchforwards: User 'nobody' does not exist.\n",
  );
  expect((await dumped('joe')).forwards).toEqual(['anne', 'x@y.test']);
  // VMailMgr deleted the mailbox of a user whose change failed because another writer had the lock.
  domain.write(inHome('passwd.cdb.tmp'), 'half a table');
  const env = { ...domain.env };
  const waiting = spawn(join(DIST, 'vchforwards'), ['joe'], {
    env,
    uid: domain.uid,
    gid: domain.gid,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = await collect(waiting);
  expect(said.code).toBe(1);
  expect(said.err).toContain(
    "vchforwards: Could not change user 'joe':\n  the password table is being changed by another program",
  );
  expect(readdirSync(inHome('users/joe/new'))).toEqual(['1.1.host']);
  expect((await dumped('joe')).forwards).toEqual(['anne', 'x@y.test']);
  expect(readFileSync(inHome('passwd.cdb.tmp'), 'latin1')).toBe('half a table');
});

describe('vrenuser', () => {
  test('moves record and mailbox, aliases follow, and mail arrives under the new name', async () => {
    await addUser('joe');
    await domain.tool('vaddalias', ['info', 'joe', 'x@y.test']);
    domain.write(inHome('users/joe/new/1.1.host'), 'mail');
    expect(await domain.tool('vrenuser', ['-a', 'JOE', 'Joseph.X'])).toEqual({
      code: 0,
      out: "vrenuser: user 'JOE' successfully renamed to 'Joseph.X'.\n",
      err: '',
    });
    expect((await domain.tool('listvdomain', [])).out).toBe(
      'User Mailbox Aliases\njoe No joseph.x\ninfo No joseph.x x@y.test\njoseph.x Yes\n',
    );
    expect(readdirSync(inHome('users')).sort()).toEqual(['Joseph:X', 'info']);
    expect(lstatSync(inHome('users/Joseph:X')).isDirectory()).toBe(true);
    expect((await domain.deliver('joseph.x')).code).toBe(0);
    expect(readdirSync(inHome('users/Joseph:X/new'))).toHaveLength(2);
    expect((await domain.tool('vrenuser', ['nobody', 'x'])).code).toBe(1);
    expect((await domain.tool('vrenuser', ['joe', 'info'])).err).toBe(
      "vrenuser: error renaming user 'joe':\n  User 'info' already exists\n",
    );
  });

  test('takes no directory that is there already, and then changes nothing', async () => {
    await addUser('joe');
    domain.write(inHome('users/new/new/1.1.old'), 'mail of the one before');
    const before = table();
    expect((await domain.tool('vrenuser', ['joe', 'new'])).err).toBe(
      "vrenuser: error renaming user 'joe':\n  './users/new' is there already\n",
    );
    expect(table()).toEqual(before);
    expect(readdirSync(inHome('users')).sort()).toEqual(['joe', 'new']);
  });
});

describe('vrehash', () => {
  const settings = (bits: number, slices: number) => {
    domain.write(inHome('.vmailmgr/user-dir-bits'), `${bits}\n`);
    domain.write(inHome('.vmailmgr/user-dir-slices'), `${slices}\n`);
  };

  test('moves mailboxes to their hashed places and back, with their mail, and finishes what was interrupted', async () => {
    for (const name of ['c', 'joe', '2f', 'elsewhere'])
      await addUser(name, ...(name === 'elsewhere' ? ['-d', 'box'] : []));
    domain.write(inHome('users/c/new/1.1.host'), 'mail of c');
    domain.write(inHome('users/2f/new/1.1.host'), 'mail of 2f');
    settings(6, 1);
    const first = await domain.tool('vrehash', []);
    expect(first.out).toBe(
      'vrehash: translating paths and making directories: failed:\n  1 directories were left.\n',
    );
    expect(first.err).toContain("user 'elsewhere' was left alone:\n  'box' is not below 'users/'");
    // The directory of the user called 2f had to go before c could have its place.
    expect(readdirSync(inHome('users/2f/c/new'))).toEqual(['1.1.host']);
    expect((await dumped('c')).directory).toBe('./users/2f/c');
    const of2f = (await dumped('2f')).directory as string;
    expect(readFileSync(join(domain.home, of2f, 'new/1.1.host'), 'utf8')).toBe('mail of 2f');
    // An interrupted run: the record is changed, the directories have not changed places.
    renameSync(inHome('users/2f/c'), inHome('users/c-before'));
    symlinkSync('../c-before', inHome('users/2f/c'));
    expect((await domain.deliver('c')).code).toBe(0);
    await domain.tool('vrehash', []);
    expect(lstatSync(inHome('users/2f/c')).isDirectory()).toBe(true);
    expect(existsSync(inHome('users/c-before'))).toBe(false);
    expect(readdirSync(inHome('users/2f/c/new'))).toHaveLength(2);
    settings(0, 0);
    await domain.tool('vrehash', []);
    expect(readdirSync(inHome('users')).sort()).toEqual(['2f', 'c', 'joe']);
    expect(readdirSync(inHome('users/c/new'))).toHaveLength(2);
    expect(readFileSync(inHome('users/2f/new/1.1.host'), 'utf8')).toBe('mail of 2f');
    expect((await dumped('elsewhere')).directory).toBe('./box');
  });
});

describe('vupgrade', () => {
  test('makes a cdb of a text table: mailboxes, forwards, the * that became +, and twice is like once', async () => {
    const lines = ['me:$1$abcdefgh$G//4keteveJp0qb8z2DxG/:./users/me', 'all:*:&me,you@example.org'];
    domain.write(inHome('passwd'), `${[...lines, '*:*:me', 'me:x:./users/twice'].join('\n')}\n`);
    expect(await domain.tool('vupgrade', [])).toEqual({ code: 0, out: '', err: '' });
    expect((await domain.tool('listvdomain', [])).out).toBe(
      'User Mailbox Aliases\nme Yes\nall No me you@example.org\n+ No me\n',
    );
    expect(readdirSync(inHome('users/me')).sort()).toEqual(['cur', 'new', 'tmp']);
    expect((await domain.deliver('whoever')).code).not.toBe(100);
    const before = table();
    const inode = statSync(inHome('passwd.cdb')).ino;
    expect((await domain.tool('vupgrade', [])).code).toBe(0);
    expect(table()).toEqual(before);
    expect(statSync(inHome('passwd.cdb')).ino).toBe(inode);
  });

  test('brings records of all versions to the present one, and leaves one that it cannot read', async () => {
    const rest = '\0\0\0-\0' + '-\0-\0-\0' + '1\0-\0';
    domain.write(
      inHome('passwd.cdb'),
      encodeCdb([
        ['old', ':hash:./users/old'],
        ['one', `\x01hash\0./users/one${rest}`],
        ['two', `\x02\x0a\x01\x08\x01\0hash\0./users/two${rest}`],
        ['odd', '\x07future'],
      ]).toString('latin1'),
      0o600,
    );
    const said = await domain.tool('vupgrade', []);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toBe('vupgrade: user odd: unreadable virtual user record: unknown version\n');
    const bytes = table().toString('latin1');
    for (const name of ['old', 'one', 'two'])
      expect(bytes).toContain(`${name}\x02\x0a\x01\x08\x01\0hash\0./users/${name}\0`);
    expect(bytes).toContain('odd\x07future');
    expect(readdirSync(inHome('users')).sort()).toEqual(['old', 'one', 'two']);
  });

  test('takes over a user whose directory cannot be made: mail waits until the next run has made it', async () => {
    domain.write(inHome('passwd'), 'me:*:./in/me\nyou:*:./users/you\n');
    domain.write(inHome('in'), 'a file');
    const said = await domain.tool('vupgrade', []);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain("vupgrade: user 'me' was left:\n  Can't create the mail directory");
    expect((await domain.tool('listvdomain', [])).out).toBe(
      'User Mailbox Aliases\nme Yes\nyou Yes\n',
    );
    expect((await domain.deliver('me')).code).toBe(111);
    rmSync(inHome('in'));
    expect(await domain.tool('vupgrade', [])).toEqual({ code: 0, out: '', err: '' });
    expect((await domain.deliver('me')).code).toBe(0);
  });

  test('says that there is no table, or that a GDBM table cannot be read', async () => {
    expect(await domain.tool('vupgrade', [])).toEqual({
      code: 1,
      out: '',
      err: "vupgrade: Can't open password table.\n",
    });
    domain.write(inHome('passwd.gdbm'), 'GDBM');
    expect((await domain.tool('vupgrade', [])).err).toContain(
      "'passwd.gdbm' is a GDBM table, which is not supported",
    );
    expect(existsSync(inHome('passwd.cdb'))).toBe(false);
  });
});

test('vconf2dir and showvconfig: an old configuration file becomes settings, which are shown', async () => {
  domain.write(
    inHome('vmailmgr.conf'),
    '# old\nuser-dir = box\n\ndefault-hardquota=5000\npostmaster-aliases = root,postmaster\nnonsense\n',
  );
  expect(await domain.tool('vconf2dir', [inHome('vmailmgr.conf')])).toEqual({
    code: 1,
    out: 'Usage: vconf2dir configuration-file configuration-dir\n',
    err: '',
  });
  const missing = await domain.tool('vconf2dir', [inHome('vmailmgr.conf'), inHome('.vmailmgr')]);
  expect(missing).toMatchObject({
    code: 1,
    out: `vconf2dir: ${inHome('.vmailmgr')} is not a directory.\n`,
  });
  await run('mkdir', [inHome('.vmailmgr')], { uid: domain.uid, gid: domain.gid });
  expect(await domain.tool('vconf2dir', [inHome('vmailmgr.conf'), inHome('.vmailmgr')])).toEqual({
    code: 0,
    out: '',
    err: '',
  });
  expect(readFileSync(inHome('.vmailmgr/postmaster-aliases'), 'utf8')).toBe('root\npostmaster\n');
  const { code, out } = await domain.tool('showvconfig', []);
  expect(code).toBe(0);
  expect(out).toContain('user-dir: box/\n\n');
  expect(out).toContain('default-hardquota: 5000\n\ndefault-softquota: -1\n\n');
  expect(out).toContain('postmaster-aliases: root\npostmaster-aliases: postmaster\n\n');
  const json = JSON.parse((await domain.tool('showvconfig', ['--json'])).out);
  expect(json).toMatchObject({ 'user-dir': 'box/', 'default-softquota': null });
  domain.write(inHome('evil'), '../../passwd = x\n');
  expect((await domain.tool('vconf2dir', [inHome('evil'), inHome('.vmailmgr')])).code).toBe(1);
});

test('--json makes an object of each line, on the same descriptor, and names the user', async () => {
  const objects = (lines: string) =>
    Buffer.from(lines.trimEnd(), 'latin1')
      .toString('utf8')
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  const input = 'joe * info\nbad\njo\xe9 *\njoe *\n';
  const added = await domain.tool('vaddusers', ['--hashed', '--json'], input);
  expect(objects(added.out)).toEqual([
    { user: 'joe', ok: true, text: "added user 'joe', alias 'info'" },
    { user: 'jo\u00e9', ok: true, text: "added user 'jo\u00e9'" },
  ]);
  expect(objects(added.err)).toEqual([
    { ok: false, text: 'invalid line, ignoring:\n  bad' },
    { user: 'joe', ok: false, text: "error: user 'joe' already exists, skipping." },
    { ok: false, text: '2 errors were encountered.' },
  ]);
  const rest: [string, string[], number, unknown][] = [
    ['vaddalias', ['--json', 'sales', 'joe'], 0, { user: 'sales', ok: true }],
    ['vchattr', ['--json', '-c', '5', 'joe'], 0, { user: 'joe', ok: true }],
    ['vchforwards', ['--json', 'nobody'], 1, { user: 'nobody', ok: false }],
    ['vrenuser', ['--json', 'joe', 'joseph'], 0, { user: 'joe', ok: true }],
    ['vpasswd', ['--json', 'nobody'], 1, { user: 'nobody', ok: false }],
    ['vdeluser', ['--json', 'joseph'], 0, { user: 'joseph', ok: true }],
    ['vrehash', ['--json'], 0, { ok: true }],
  ];
  for (const [name, args, code, object] of rest) {
    const said = await domain.tool(name, args);
    expect([said.code, objects(said.out + said.err)], name).toMatchObject([code, [object]]);
  }
  const listed = await domain.tool('listvdomain', ['--json', 'nobody', 'sales']);
  expect(objects(listed.out)).toMatchObject([{ name: 'sales', forwards: ['joseph'] }]);
  expect(objects(listed.err)).toMatchObject([{ user: 'nobody', ok: false }]);
});

test('a lone - ends the options, and is no argument', async () => {
  expect((await domain.tool('vadduser', ['-P', '-', '-joe'])).code).toBe(0);
  expect((await domain.tool('vchattr', ['-Q', '--', '-', '-joe'])).code).toBe(0);
  expect((await domain.tool('listvdomain', ['-', '-joe'])).out).toBe(
    'User Mailbox Aliases\n-joe Yes\n',
  );
});

test('listvdomain --json has an object a user; dumpvuser shows every field', async () => {
  await addUser('joe', '-f', 'x@y.test', '-Q', '77');
  expect((await domain.tool('listvdomain', ['--json'])).out).toBe(
    '{"name":"joe","mailbox":true,"enabled":true,"forwards":["x@y.test"]}\n',
  );
  const { out } = await domain.tool('dumpvuser', ['Joe']);
  expect(out).toMatch(
    /^Name: joe\nEncrypted-Password: \*\nDirectory: \.\/users\/joe\nForward: x@y\.test\nHard-Quota: 77\nSoft-Quota: N\/A\nMessage-Size-Limit: N\/A\nMessage-Count-Limit: N\/A\nCreation-Time: \d+\nExpiry-Time: N\/A\nHas-Mailbox: true\nMailbox-Enabled: true\n$/,
  );
  expect(await domain.tool('dumpvuser', ['nobody'])).toEqual({
    code: 1,
    out: '',
    err: 'dumpvuser: No such user\n',
  });
});

test('vcheckquota, as a predeliver hook, refuses what is over a limit with the texts of VMailMgr', async () => {
  await addUser('joe');
  const hook = join(domain.qmail, 'etc/vmailmgr/vdeliver-predeliver');
  domain.write(hook, '#!/bin/sh\nexec vcheckquota -m /etc/hostname 2>&1\n', 0o755);
  const large = `Subject: large\n\n${'x'.repeat(70)}\n`.repeat(1000);
  const verdict = async (limit: readonly string[], message = MESSAGE) => {
    await domain.tool('vchattr', [...limit, 'joe']);
    const { code, out } = await domain.deliver('joe', { message });
    await domain.tool('vchattr', [limit[0] ?? '', '--', '-', 'joe']);
    return { code, out };
  };
  expect((await verdict(['-z', '100'])).out).toContain(
    'Sorry, this message is larger than the current maximum message size limit.\n',
  );
  expect((await verdict(['-c', '1'])).code).toBe(0);
  expect(await verdict(['-c', '1'])).toMatchObject({ code: 100 });
  expect((await verdict(['-c', '1'])).out).toContain('too many messages stored in the mailbox\n');
  expect((await verdict(['-Q', '20000'])).out).toContain(
    "Message would exceed virtual user's disk quota.\n",
  );
  expect((await verdict(['-q', '20000'])).code).toBe(100);
  await domain.tool('vchattr', ['-Q', '1000000', 'joe']);
  expect((await verdict(['-q', '20000'], large)).out).toContain(
    "Sorry, your message cannot be delivered.\nUser's disk quota exceeded.\n",
  );
  expect((await verdict(['-q', '20000'])).code).toBe(0);
  const warnings = readdirSync(inHome('users/joe/new')).filter((name) =>
    name.endsWith('.softquota-warning'),
  );
  expect(warnings).toHaveLength(2);
  const bare = await run(join(DIST, 'vcheckquota'), [], { env: { PATH: domain.env.PATH } });
  expect(bare).toMatchObject({ code: 111, err: 'vcheckquota: MAILDIR is not set\n' });
});

test('vpopbull links each bulletin once into the mailbox, also one posted later, and runs what follows', async () => {
  await addUser('joe');
  const env = { ...domain.env, MAILDIR: './users/joe' };
  const login = (...args: string[]) =>
    run(join(DIST, 'vpopbull'), args, { env, uid: domain.uid, gid: domain.gid, cwd: '/' });
  const inbox = () => readdirSync(inHome('users/joe/new'));
  domain.write(inHome('bulletins/first'), 'Subject: first\n\n');
  domain.write(inHome('bulletins/.hidden'), 'no bulletin');
  domain.write(inHome('bulletins/tomorrow'), 'Subject: tomorrow\n\n');
  const tomorrow = Date.now() / 1000 + 86_400;
  utimesSync(inHome('bulletins/tomorrow'), tomorrow, tomorrow);
  const first = await login('bulletins', '--', 'sh', '-c', 'echo $MAILDIR');
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out.toString()).toBe('./users/joe\n');
  expect(inbox()).toHaveLength(1);
  expect(readFileSync(inHome(`users/joe/new/${inbox()[0]}`), 'utf8')).toBe('Subject: first\n\n');
  expect((await login('bulletins')).code).toBe(0);
  expect(inbox()).toHaveLength(1);
  domain.write(inHome('bulletins/second'), 'Subject: second\n\n');
  expect((await login('-l', 'bulletins')).code).toBe(0);
  expect(inbox()).toHaveLength(2);
  expect(statSync(inHome('bulletins/second')).nlink).toBe(2);
  expect((await login('nowhere')).code).toBe(111);
  const { code } = await run(join(DIST, 'vpopbull'), ['bulletins'], { env: domain.env });
  expect(code).toBe(1);
});

describe.runIf(installed('python3'))('a reader of our own tables in Python (needs python3)', () => {
  const READER = join(import.meta.dirname, 'lib/read-table.py');
  const found = (name: string, hash: 'cdb' | 'signed') =>
    run('python3', [
      READER,
      inHome('passwd.cdb'),
      Buffer.from(name, 'latin1').toString('hex'),
      hash,
    ]);

  test('finds every user, those with 8-bit names under the hash of cdb and under that of VMailMgr', async () => {
    await domain.tool('vaddusers', ['--hashed'], 'joe *\nanne $6$x$y info\n');
    await addUser('j\u00f6rg');
    for (const hash of ['cdb', 'signed'] as const) {
      for (const name of ['joe', 'anne', 'info'])
        expect((await found(name, hash)).out.toString(), name).toMatch(/^020a0[01]080100/);
      expect((await found('j\xc3\xb6rg', hash)).out.toString()).toMatch(/^020a01080100/);
      expect((await found('nobody', hash)).code).toBe(1);
    }
  });

  test('sees a quota beyond 4 GiB as unlimited where it computes in 32 bits', async () => {
    await addUser('joe', '-Q', '5368709120');
    const record = (await found('joe', 'cdb')).out.toString();
    expect(Buffer.from(record.trim(), 'hex').toString('latin1')).toContain('\0-5368709120\0');
    expect((await dumped('joe')).hardQuota).toBe(5_368_709_120);
  });
});

test('root is told to do it as the owner', async () => {
  if (process.getuid?.() !== 0) return;
  await addUser('joe');
  mkdirSync(inHome('users/new'), { recursive: true });
  const { code, err } = await run(join(DIST, 'vchforwards'), ['joe'], { env: domain.env });
  expect(code).toBe(1);
  expect(err).toContain('as the user who owns it, not as root');
});
