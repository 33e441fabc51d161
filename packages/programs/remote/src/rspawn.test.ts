// qmail-rspawn as a process in a private instance, with the real qmail-remote and with others.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildExecutables, SpawnerProcess } from '@q/spawn/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startMailServer } from './testing/mail-server.ts';

const isRoot = process.getuid?.() === 0;
/** The uid of the instance: ours, or as root an ordinary one. */
const uid = isRoot ? 47_022 : (process.getuid?.() ?? 0);

let home: string;
let spawner: SpawnerProcess | undefined;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'rspawn-'));
  chmodSync(home, 0o755);
  await buildExecutables(home, ['qmail-rspawn', 'qmail-remote']);
  for (const dir of ['control', 'queue', 'queue/lock', 'queue/mess', 'queue/mess/7'])
    mkdirSync(join(home, dir));
  writeFileSync(join(home, 'control/me'), 'client.example\n');
  writeFileSync(join(home, 'queue/lock/tcpto'), Buffer.alloc(1024, 1));
  writeFileSync(join(home, 'queue/mess/7/53'), 'Subject: x\n\nbody\n');
  if (isRoot) execFileSync('chown', ['-R', `${uid}:${uid}`, home]);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(() => {
  spawner?.kill();
  spawner = undefined;
});

function start(env: NodeJS.ProcessEnv = {}): SpawnerProcess {
  const all = { PATH: process.env.PATH, QMAILHOME: home, ...env };
  spawner = new SpawnerProcess(join(home, 'bin/qmail-rspawn'), [], all, isRoot ? uid : undefined);
  return spawner;
}

/** A qmail-remote of our own. */
function stub(script: string): NodeJS.ProcessEnv {
  const file = join(home, 'stub');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return { QMAILREMOTE: file };
}

test('a delivery goes out by SMTP and is reported as one line of text', async () => {
  const server = await startMailServer({ 'RCPT TO:<no@x.example>': '550 unknown' });
  writeFileSync(join(home, 'control/smtproutes'), `:127.0.0.1:${server.port}\n`);
  const rspawn = start();
  rspawn.send(0, '7/53', 'ann@client.example', 'bob@x.example');
  rspawn.send(1, '7/53', 'ann@client.example', 'no@x.example');
  expect(await rspawn.report(0)).toBe(
    'K127.0.0.1 accepted message.\nRemote host said: 250 ok 123 qp 456\n',
  );
  expect(await rspawn.report(1)).toBe(
    'D127.0.0.1 does not like recipient.\nRemote host said: 550 unknown\nGiving up on 127.0.0.1.\n',
  );
  expect(rspawn.limit).toBe(120);
  expect(await rspawn.end()).toBe(0);
  expect(server.messages).toEqual(['Subject: x\r\n\r\nbody\r\n']);
  server.close();
});

test('the table of timeouts starts empty', async () => {
  const rspawn = start();
  expect(await rspawn.end()).toBe(0);
  expect(readFileSync(join(home, 'queue/lock/tcpto'))).toEqual(Buffer.alloc(1024));
});

test('QMAILREMOTE is run instead, with host, sender and recipient and the message', async () => {
  const env = stub('printf "r\\0K%s|%s|%s|" "$1" "$2" "$3"; cat; printf "\\0"');
  const rspawn = start(env);
  rspawn.send(9, '7/53', '', 'b@c@Host.example');
  expect(await rspawn.report(9)).toBe('KHost.example||b@c@Host.example|Subject: x\n\nbody\n');
  expect(await rspawn.end()).toBe(0);
});

test.each([
  ['kill -9 $$', 'Zqmail-remote crashed.\n'],
  ['exit 111', 'ZUnable to run qmail-remote.\n'],
  ['exit 100', 'DUnable to run qmail-remote.\n'],
  ['true', 'Zqmail-remote produced no output.\n'],
])('a qmail-remote that does %j is reported as %j', async (script, report) => {
  const rspawn = start(stub(script));
  rspawn.send(3, '7/53', '', 'bob@x.example');
  expect(await rspawn.report(3)).toBe(report);
  expect(await rspawn.end()).toBe(0);
});

test('one that is not there cannot be run', async () => {
  const rspawn = start({ QMAILREMOTE: '/no/such/program' });
  rspawn.send(3, '7/53', '', 'bob@x.example');
  expect(await rspawn.report(3)).toBe('DUnable to run qmail-remote.\n');
  expect(await rspawn.end()).toBe(0);
});
