// What a newcomer does: npm start, send a message with an attachment, read it, stop, start again.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  DIST,
  FREE_PORTS,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stopInstance,
} from './lib/instance.ts';
import { processesOf, until } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';

let top: string;
let dir: string;
let instance: RunningInstance | undefined;

beforeEach(() => {
  top = openDirectory('instance-');
  dir = join(top, 'var');
  instance = undefined;
});
afterEach(async () => {
  await removeInstance(dir, [instance?.supervisor]);
  await removeInstance(top, []);
});

/** A message with a base64 attachment of `bytes` bytes, CRLF lines. */
function messageWithAttachment(id: string, bytes: number): Buffer {
  const body = randomBytes(bytes).toString('base64').replace(/.{76}/g, '$&\r\n');
  return Buffer.from(
    `From: carol@elsewhere.test\r\nTo: alice@example.test\r\nSubject: an attachment\r\nMessage-ID: <${id}@test>\r\n` +
      'MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
      `.begins with a dot\r\n..\r\n.\u00e9 8-bit\r\n${body}\r\n`,
    'latin1',
  );
}

test.runIf(installed('curl'))(
  'a message of 5 MB goes in by curl smtp:// and comes out by curl pop3://, imap:// and imaps:// byte for byte (needs curl)',
  async () => {
    instance = await startInstance(dir);
    const [alice] = instance.users;
    const message = messageWithAttachment('big', 5_000_000);
    const file = join(top, 'message');
    writeFileSync(file, message);
    const sent = await run('curl', [
      '-sS',
      `smtp://127.0.0.1:${instance.smtpPort}`,
      '--mail-from',
      'carol@elsewhere.test',
      '--mail-rcpt',
      'alice@example.test',
      '-T',
      file,
    ]);
    expect(sent).toMatchObject({ code: 0, err: '' });
    const login = ['-sS', '-u', `${alice?.address}:${alice?.password}`];
    const base = `pop3://127.0.0.1:${instance.pop3Port}`;
    const listing = await until('the message is in the mailbox', async () => {
      const { out } = await run('curl', [...login, `${base}/`]);
      return out.toString('latin1').match(/^1 (\d+)/) ?? undefined;
    });
    const { out } = await run('curl', [...login, `${base}/1`]);
    const start = out.indexOf('From: carol@elsewhere.test');
    const trace = out.subarray(0, start).toString('latin1');
    expect(trace).toMatch(
      /^Return-Path: <carol@elsewhere\.test>\r\nDelivered-To: \S+\r\nReceived: \(qmail /,
    );
    // qmail-pop3d has always sent one empty line after the message.
    expect(out.subarray(start).equals(Buffer.concat([message, Buffer.from('\r\n')]))).toBe(true);
    const lines = out.toString('latin1').split('\r\n').length - 2;
    expect(Number(listing[1])).toBe(out.length - 2 - lines);
    const certificate = join(dir, 'control/servercert.pem');
    for (const server of [
      [`imap://127.0.0.1:${instance.imapPort}`],
      [`imaps://127.0.0.1:${instance.imapsPort}`, '--cacert', certificate],
    ]) {
      const [address, ...trust] = server;
      const fetched = await run('curl', [...login, ...trust, `${address}/INBOX;MAILINDEX=1`]);
      expect(fetched.err).toBe('');
      expect(fetched.out.equals(out.subarray(0, -2))).toBe(true);
    }
  },
);

test('a second start uses the same instance and logins; stopping leaves no process', async () => {
  instance = await startInstance(dir);
  const { users } = instance;
  expect(await stopInstance(instance)).toBe(0); // which waits for the end of every process
  instance = await startInstance(dir);
  expect(instance.users).toEqual(users);
  const second = await run(join(DIST, 'qmail-ts'), ['start', '--dir', dir]);
  expect(second.code).toBe(111);
  expect(second.err).toContain('running already');
  expect(await stopInstance(instance)).toBe(0);
});

test('--check shows that mail goes through, says how to connect, and ends with 0', async () => {
  const ran = await run(join(DIST, 'qmail-ts'), ['start', '--check', '--dir', dir, ...FREE_PORTS], {
    seconds: 200,
  });
  const text = ran.out.toString('utf8');
  expect(text).toMatch(
    /sent a message by SMTP from bob@example\.test to alice@example\.test: 250 ok \d+ qp \d+/,
  );
  expect(text).toMatch(/read it back by POP3 and by IMAP: \d+ octets, identical/);
  expect(text).toMatch(/alice@example\.test\s+\S+\n\s+bob@example\.test\s+\S+/);
  expect(ran.err).toBe('');
  expect(ran.code).toBe(0);
  await until('all its processes have ended', () => processesOf(dir).length === 0);
});

test('a port in use is one clear line, and --check then ends with 1', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  const ran = await run(join(DIST, 'qmail-ts'), [
    'start',
    '--check',
    '--dir',
    dir,
    '--smtp-port',
    String(port),
  ]);
  server.close();
  expect(ran.code).toBe(1);
  expect(ran.err).toBe(
    `qmail-ts: fatal: port ${port} is in use: stop what listens there, or give another one with --smtp-port\n`,
  );
});

test.each([
  ['Ctrl-C on the terminal, where the whole foreground group gets the signal,', -1],
  ['kill -INT of it alone', 1],
])('%s stops it cleanly', async (_how, sign) => {
  const shell = spawn(join(DIST, 'qmail-ts'), ['start', '--dir', dir, ...FREE_PORTS], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let out = '';
  shell.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  await until('it says how to stop it', () => out.includes('Ctrl-C'), 320);
  const closed = once(shell, 'close'); // and all that it said is here
  process.kill(sign * (shell.pid as number), 'SIGINT');
  expect((await closed)[0]).toBe(0);
  expect(out.trimEnd().endsWith('qmail-ts: stopped')).toBe(true);
  await until('all its processes have ended', () => processesOf(dir).length === 0);
  expect(readFileSync(join(dir, 'log/current'), 'latin1')).toContain('status: exiting');
});

test.runIf(isRoot)(
  'started by root it serves as a uid without an account, which owns the directory (needs root)',
  async () => {
    instance = await startInstance(dir);
    const owners = new Set(processesOf(dir).map((process) => process.uid));
    expect(owners.size).toBe(1);
    const [uid] = owners;
    expect(uid).toBeGreaterThan(1000);
    expect(statSync(dir).uid).toBe(uid);
    expect(readdirSync(join(dir, 'domains/example.test/users')).sort()).toEqual(['alice', 'bob']);
    await stopInstance(instance);
  },
);

test.runIf(isRoot)(
  'a directory that the uid could not reach is moved to one it can, and said so (needs root)',
  async () => {
    const closed = join(top, 'closed');
    await run('install', ['-d', '-m', '700', closed]);
    const asked = join(closed, 'var');
    const ran = await run(
      join(DIST, 'qmail-ts'),
      ['start', '--check', '--dir', asked, ...FREE_PORTS],
      { seconds: 200 },
    );
    const text = ran.out.toString('utf8');
    const moved = text.match(
      /is closed to other users, so the instance is in (\/var\/tmp\/qmail-ts-\w+)/,
    )?.[1];
    expect(ran.code).toBe(0);
    expect(moved).toBeDefined();
    expect(existsSync(asked)).toBe(false);
    await removeInstance(moved as string, []);
  },
);
