// vmailmgrd, as built, asked by a client that was written after the protocol: every command, under a socket
// server and resident; what it refuses; what it does with hostile input.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { decodeRecord } from '@q/vmailmgr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { killQuietly, until } from './lib/processes.ts';
import { changeAccounts, isRoot, run } from './lib/run.ts';
import { DOMAIN, makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

const CLIENT = join(import.meta.dirname, 'lib/vmailmgrd-client.py');
const SERVER = join(DIST, 'vmailmgrd');

let domain: VirtualDomain;
let service: ChildProcess | undefined;
let log: string;

beforeEach(async () => {
  domain = await makeVirtualDomain('vmailmgrd-');
  service = undefined;
  log = '';
  expect(await domain.tool('vadduser', ['ann'], 'secret\n')).toMatchObject({ code: 0 });
});
afterEach(async () => {
  const running = service;
  if (running?.exitCode === null && running.signalCode === null) {
    const over = new Promise((resolve) => running.once('exit', resolve));
    killQuietly(running.pid as number, 'SIGTERM');
    await over;
  }
  domain.remove();
});

type Replies = readonly (readonly [code: number, text: string])[];

interface Asking {
  /** Who asks; the domain's owner if not given. */
  readonly uid?: number;
  readonly raw?: string;
  readonly close?: boolean;
  /** Options of vmailmgrd, where it is started for the request. */
  readonly options?: readonly string[];
}

/** Asks the resident service if there is one, else a vmailmgrd of its own. */
async function ask(words: readonly string[], asking: Asking = {}): Promise<Replies> {
  const { raw, close } = asking;
  const input = JSON.stringify(raw === undefined ? { request: words, close } : { raw, close });
  const uid = asking.uid ?? domain.uid;
  // As root the program must start as root, and only the client be somebody: see peer() below.
  const where =
    service === undefined ? [SERVER, ...(asking.options ?? [])] : [`unix:${socketPath()}`];
  const asRoot = service === undefined || !isRoot;
  const said = await run('python3', [CLIENT, ...where], {
    input,
    env: domain.env,
    cwd: '/',
    ...(asRoot ? {} : { uid, gid: uid }),
  });
  if (service === undefined) log += said.err;
  expect(said.code, said.err).toBe(0);
  return JSON.parse(said.out.toString()) as Replies;
}

const socketDirectory = () => join(domain.home, '../run');
const socketPath = () => join(socketDirectory(), 'socket');

async function startService(words: readonly string[] = ['--mode', '666']): Promise<void> {
  const rights = isRoot ? ['--user', 'nobody'] : [];
  chmodSync(join(domain.home, '..'), 0o755);
  service = spawn(SERVER, ['-V', '--listen', `unix:${socketPath()}`, ...rights, ...words], {
    env: { PATH: domain.env.PATH, QMAILHOME: domain.qmail },
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
  });
  service.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString('latin1');
  });
  await until('the service listens', () => {
    if (service?.exitCode !== null) throw new Error(`vmailmgrd ended: ${log}`);
    return log.includes('listening on');
  });
}

const inHome = (path: string) => join(domain.home, path);
const OK = [0, ''] as const;
const WRONG = [2, 'Incorrect password'] as const;

describe.each(['one request', 'resident'])('%s:', (form) => {
  beforeEach(async () => {
    if (form === 'resident') await startService();
  });

  test('a user proves a password, and a wrong one, or no such user, is one answer', async () => {
    expect(await ask(['check', DOMAIN, 'ann', 'secret'])).toEqual([OK]);
    expect(await ask(['check', DOMAIN.toUpperCase(), 'ANN', 'secret'])).toEqual([OK]);
    expect(await ask(['check', DOMAIN, 'ann', 'wrong'])).toEqual([WRONG]);
    expect(await ask(['check', DOMAIN, 'nobody', 'secret'])).toEqual([WRONG]);
    expect(await ask(['check', DOMAIN, 'ann', ''])).toEqual([WRONG]);
  });

  test('lookup gives the record to the user and to the administrator', async () => {
    for (const password of ['secret', '']) {
      const [data, last] = await ask(['lookup', DOMAIN, 'ann', password]);
      expect(last).toEqual([0, 'Wrote virtual user data']);
      const user = decodeRecord(Buffer.from(data?.[1] ?? '', 'latin1'));
      expect(user).toMatchObject({ directory: './users/ann', hasMailbox: true });
    }
    expect(await ask(['lookup', DOMAIN, 'ann', 'wrong'])).toEqual([WRONG]);
  });

  test('users are added, listed and deleted with their mail, and mail is delivered to them', async () => {
    const added = [0, 'User added successfully'];
    expect(await ask(['adduser3', DOMAIN, 'ben', '', 'pw', 'ben', 'yes', 'ann'])).toEqual([added]);
    expect(await ask(['adduser2', DOMAIN, 'box', '', 'pw', 'box.dir'])).toEqual([added]);
    expect(await ask(['adduser2', DOMAIN, 'list', '', '', '', 'a@b', 'ann'])).toEqual([added]);
    expect(await ask(['adduser2', DOMAIN, 'ben', '', 'pw', 'ben'])).toEqual([
      [2, 'Virtual user already exists'],
    ]);
    const listed = await ask(['listdomain', DOMAIN, '']);
    expect([listed[0], listed.at(-1)]).toEqual([OK, OK]);
    const users = listed.slice(1, -1).map(([, text]) => {
      const [name = '', record = ''] = text.split(/\0(.*)/s);
      return [name, decodeRecord(Buffer.from(record, 'latin1'))] as const;
    });
    expect(users.map(([name]) => name)).toEqual(['ann', 'ben', 'box', 'list']);
    expect(users[1]?.[1]).toMatchObject({ hasMailbox: true, forwards: ['ann'] });
    expect(users[2]?.[1]).toMatchObject({ hasMailbox: true, directory: './users/box:dir' });
    expect(users[3]?.[1]).toMatchObject({
      hasMailbox: false,
      forwards: ['a@b', 'ann'],
      password: '*',
    });
    expect((await domain.deliver('box')).code).toBe(0);
    expect(readdirSync(inHome('users/box:dir/new'))).toHaveLength(1);
    expect(statSync(inHome('users/ben/new')).uid).toBe(domain.uid);
    expect(await ask(['deluser', DOMAIN, 'box', ''])).toEqual([[0, 'Deleted user.']]);
    expect(existsSync(inHome('users/box:dir'))).toBe(false);
    expect(await ask(['deluser', DOMAIN, 'box', ''])).toEqual([
      [2, 'Invalid or unknown virtual user'],
    ]);
  });

  test('attributes: some are the user’s own, all are the administrator’s', async () => {
    const change = (password: string, ...words: string[]) =>
      ask(['chattr', DOMAIN, 'ann', password, ...words]);
    expect(await change('secret', '1', 'fresh')).toEqual([[0, 'Password changed']]);
    expect(await ask(['check', DOMAIN, 'ann', 'fresh'])).toEqual([OK]);
    expect(await change('fresh', '2', 'x@y', 'z@y')).toEqual([
      [0, 'Forwarding address(es) changed'],
    ]);
    expect(await change('fresh', '9', 'Ann')).toEqual([[0, 'Personal information changed.']]);
    expect(await change('fresh', '8', '0')).toEqual([[0, 'Attribute value changed']]);
    for (const [number, value] of ['3', '4', '5', '6', '7'].map((n) => [n, `${n}0`] as const)) {
      expect(await change('', number, value)).toEqual([[0, 'Attribute value changed']]);
    }
    expect(await change('fresh', '3', '99')).toEqual([WRONG]);
    expect(await change('', '3', 'many')).toEqual([[2, 'Invalid number']]);
    expect(await change('', '10', '1')).toEqual([[1, 'Invalid attribute type']]);
    const [data] = await ask(['lookup', DOMAIN, 'ann', '']);
    expect(decodeRecord(Buffer.from(data?.[1] ?? '', 'latin1'))).toMatchObject({
      forwards: ['x@y', 'z@y'],
      personal: 'Ann',
      mailboxEnabled: false,
      hardQuota: 30,
      softQuota: 40,
      messageSize: 50,
      messageCount: 60,
      expiry: 70,
    });
  });

  test('the autoresponse goes through all its states', async () => {
    const act = async (...words: string[]) =>
      (await ask(['autoresponse', DOMAIN, 'ann', 'secret', ...words]))[0];
    expect(await act('status')).toEqual([0, 'nonexistant']);
    expect((await act('write', 'I am away.\n'))?.[0]).toBe(0);
    expect(await act('status')).toEqual([0, 'enabled']);
    expect(await act('read')).toEqual([0, 'I am away.\n']);
    expect((await act('disable'))?.[0]).toBe(0);
    expect(await act('status')).toEqual([0, 'disabled']);
    expect(await act('read')).toEqual([0, 'I am away.\n']);
    expect(await act('write', 'x')).toEqual([
      2,
      'Autoresponse is disabled, reenable it before writing a new message',
    ]);
    expect((await act('enable'))?.[0]).toBe(0);
    expect(readFileSync(inHome('users/ann/autoresponse/message.txt'), 'latin1')).toBe(
      'I am away.\n',
    );
    expect((await act('delete'))?.[0]).toBe(0);
    expect(await act('status')).toEqual([0, 'nonexistant']);
    expect(await act('dance')).toEqual([1, 'Invalid operation']);
    mkdirSync(inHome('users/ann/autoresponse'));
    expect(await act('status')).toEqual([0, 'missing message file']);
  });

  test('stat counts new, unseen and seen mail', async () => {
    domain.write(inHome('users/ann/new/1'), 'xx');
    domain.write(inHome('users/ann/cur/2:2,'), 'xxx');
    domain.write(inHome('users/ann/cur/3:2,FS'), 'xxxx');
    domain.write(inHome('users/ann/cur/4:2,S'), 'xxxx');
    expect(await ask(['stat', DOMAIN, 'ann', ''])).toEqual([
      [0, `\0${['1', '2', '1', '3', '2', '8', ''].join('\0')}`],
    ]);
  });

  test('what makes no sense is BAD, what is not to be had is ERROR, and secrets stay out of the log', async () => {
    expect(await ask(['dance', 'hidden1'])).toEqual([[1, 'Invalid or unknown command']]);
    expect(await ask(['adduser2', DOMAIN, 'x', 'hidden2'])).toEqual([
      [1, 'Incorrect number of parameters to command adduser2'],
    ]);
    expect(await ask(['check', DOMAIN, 'ann', 'hidden3', 'hidden4'])).toEqual([
      [1, 'Incorrect number of parameters to command check'],
    ]);
    expect(await ask(['check', 'no.test', 'ann', 'hidden5'])).toEqual([
      [2, 'Invalid or unknown domain name: no.test'],
    ]);
    expect(await ask(['deluser', DOMAIN, '', ''])).toEqual([
      [2, 'User name does not refer to a virtual user'],
    ]);
    for (const name of ['a/b', 'a:b', 'a b'])
      expect((await ask(['adduser2', DOMAIN, name, '', 'hidden6', 'x']))[0]?.[0]).toBe(2);
    for (const directory of ['../../x', '/etc', '.', '..'])
      expect((await ask(['adduser2', DOMAIN, 'evil', '', 'hidden7', directory]))[0]?.[0]).toBe(2);
    await ask(['chattr', DOMAIN, 'ann', 'hidden8', '1', 'hidden9']);
    await until('all is logged', () => log.match(/Completed/g)?.length === 13);
    expect(log).not.toContain('hidden');
    expect(log).toMatch(/^\[\d+\] Request: chattr dom\.test ann <password> 1 <newpass>$/m);
    expect(log).toMatch(/^\[\d+\] Completed: BAD: Invalid or unknown command$/m);
    expect(log).toMatch(/^\[\d+\] Completed: ERROR: Invalid or unknown domain name: no\.test$/m);
  });

  test('a malformed request has no answer, only a log line', async () => {
    const bad = [
      Buffer.from('GET / HTTP/1.0\r\n\r\n').toString('hex'),
      '0300050000000000',
      '020000',
      '02000300ffff',
      '020008010003',
      `02ffff01${'00'.repeat(1000)}`,
      '',
    ];
    for (const raw of bad) expect(await ask([], { raw, close: true })).toEqual([]);
    await until('all is logged', () => log.match(/Completed: BAD/g)?.length === bad.length);
    expect(log).toMatch(/^\[\d+\] Completed: BAD: Invalid protocol from client, aborting$/m);
    expect(await ask(['check', DOMAIN, 'ann', 'secret'])).toEqual([OK]);
  });
});

test('-d logs failures alone', async () => {
  await ask(['check', DOMAIN, 'ann', 'secret'], { options: ['-d'] });
  expect(log).toBe('');
  await ask(['check', DOMAIN, 'ann', 'wrong'], { options: ['-d'] });
  expect(log).toMatch(
    /^\[\d+\] Request: check dom\.test ann <password>\n\[\d+\] Completed: ERROR: Incorrect password\n$/,
  );
});

describe('the resident service', () => {
  test('serves many clients at once, changes of one table included', async () => {
    await startService();
    const names = Array.from({ length: 12 }, (_, i) => `user${i}`);
    const answers = await Promise.all(
      names.map((name) => ask(['adduser2', DOMAIN, name, '', '', name])),
    );
    expect(new Set(answers.map((answer) => answer[0]?.[0]))).toEqual(new Set([0]));
    expect(await ask(['listdomain', DOMAIN, ''])).toHaveLength(names.length + 3);
  });

  test('a silent client is hung up on, and others do not wait for it', async () => {
    await startService();
    const silent = connect({ path: socketPath() });
    const closed = new Promise((resolve) => silent.once('close', resolve));
    silent.on('error', () => {});
    silent.write(Buffer.from([2, 255]));
    expect(await ask(['check', DOMAIN, 'ann', 'secret'])).toEqual([OK]);
    silent.resume();
    await closed;
  });

  test('after ten wrong passwords a domain’s requests wait, those of other domains do not, and the right one counts', async () => {
    await startService();
    const guesses = Array.from({ length: 10 }, (_, i) =>
      ask(['check', DOMAIN, `user${i}`, 'guess']),
    );
    for (const answer of await Promise.all(guesses)) expect(answer).toEqual([WRONG]);
    const started = performance.now();
    expect(await ask(['check', DOMAIN, 'ann', 'secret'])).toEqual([OK]);
    expect(performance.now() - started).toBeGreaterThan(3900);
    // Who shows by what he is proves nothing that could be guessed.
    expect(await ask(['listdomain', DOMAIN, ''])).toHaveLength(3);
  });

  test('its socket is for the owner and the group alone unless told otherwise', async () => {
    await startService([]);
    expect(statSync(socketPath()).mode & 0o777).toBe(0o660);
  });

  test('it does not put its socket where everybody can write', async () => {
    mkdirSync(socketDirectory());
    chmodSync(socketDirectory(), 0o1777);
    await expect(startService()).rejects.toThrow('no safe place for a socket');
  });

  test('SIGTERM ends it and all its processes', async () => {
    await startService();
    await ask(['check', DOMAIN, 'ann', 'secret']);
    const running = service as ChildProcess;
    const over = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGTERM');
    expect(await over).toBe(0);
  });
});

test.runIf(isRoot)(
  'only the owner and root need no password, and no process that reads from clients is root (needs root)',
  async () => {
    await startService();
    expect(await ask(['listdomain', DOMAIN, ''], { uid: 0 })).toHaveLength(3);
    expect(await ask(['listdomain', DOMAIN, ''])).toHaveLength(3);
    expect(await ask(['listdomain', DOMAIN, ''], { uid: domain.uid + 1 })).toEqual([WRONG]);
    expect(await ask(['lookup', DOMAIN, 'ann', ''], { uid: domain.uid + 1 })).toEqual([WRONG]);
    const uids = childrenOf(service?.pid as number).map(uidOf);
    expect(uids.sort((a, b) => a - b)).toEqual([domain.uid, 65_534].sort((a, b) => a - b));
    expect(log).toContain(`client uid ${domain.uid + 1}`);
  },
);

test.runIf(isRoot)("the owner's system password is the administrator's (needs root)", async () => {
  const name = 'qtvmadmin';
  await changeAccounts('userdel', [name]);
  expect(await changeAccounts('useradd', ['-U', '-M', '-d', domain.home, name])).toMatchObject({
    code: 0,
  });
  try {
    await changeAccounts('chpasswd', [], `${name}:admins secret\n`);
    writeFileSync(join(domain.qmail, 'control/virtualdomains'), `sys.test:${name}\n`);
    const passwd = (await run('id', ['-u', name])).out.toString().trim();
    await run('chown', ['-R', `${passwd}:${passwd}`, domain.home]);
    await startService();
    const somebody = { uid: domain.uid };
    expect(await ask(['listdomain', 'sys.test', 'admins secret'], somebody)).toHaveLength(3);
    expect(await ask(['check', 'sys.test', '', 'admins secret'], somebody)).toEqual([OK]);
    expect(await ask(['check', 'sys.test', '', 'wrong'], somebody)).toEqual([WRONG]);
    expect(await ask(['listdomain', 'sys.test', ''], somebody)).toEqual([WRONG]);
    expect(await ask(['lookup', 'sys.test', 'ann', 'admins secret'], somebody)).toHaveLength(2);
  } finally {
    await changeAccounts('userdel', [name]);
  }
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}

function uidOf(pid: number): number {
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
