// Mail from an ordinary account on this host: qmail-inject and the programs around it, through the queue socket of a
// running instance, into a mailbox.

import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  DIST,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stopInstance,
} from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { isRoot, run } from './lib/run.ts';

/** Somebody who has nothing to do with the mail system. */
const CALLER = isRoot ? { uid: 54_322, gid: 54_322 } : {};
const UID = CALLER.uid ?? process.getuid?.();

let top: string;
let dir: string;
let instance: RunningInstance;

beforeAll(async () => {
  top = openDirectory('inject-');
  dir = join(top, 'var');
  instance = await startInstance(dir);
});
afterAll(async () => {
  await removeInstance(dir, [instance?.supervisor]);
  await removeInstance(top, []);
});

function send(program: string, args: readonly string[], input: string | Buffer, env = {}) {
  return run(resolve(DIST, program), args, {
    input,
    env: { PATH: process.env.PATH, QMAILHOME: dir, USER: 'carol', ...env },
    cwd: '/',
    ...CALLER,
  });
}

/** The message in the mailbox of alice or bob with that subject, when it is there. */
function received(user: string, subject: string): Promise<string> {
  const box = join(dir, 'domains/example.test/users', user, 'new');
  return until(`${subject} is in the mailbox of ${user}`, () =>
    readdirSync(box)
      .map((name) => readFileSync(join(box, name), 'latin1'))
      .find((text) => text.includes(`\nSubject: ${subject}\n`)),
  );
}

test('a message goes to its recipients, with the caller in the trace line and no Bcc', async () => {
  const input = Buffer.from(
    'Subject: one\nTo: Alice <alice@example.test>\nBcc: bob@example.test\n\nbody \xe9\0\nno end',
    'latin1',
  );
  expect(await send('qmail-inject', [], input)).toMatchObject({ code: 0, err: '' });
  for (const user of ['alice', 'bob']) {
    const text = await received(user, 'one');
    expect(text).toMatch(new RegExp(`\nReceived: \\(qmail \\d+ invoked by uid ${UID}\\); `));
    expect(text).toMatch(/^Return-Path: <carol@[^>]+>\n/);
    expect(text).toMatch(/\nFrom: carol@\S+\nSubject: one\nTo: Alice <alice@example\.test>\n\n/);
    expect(text.endsWith('\n\nbody \xe9\0\nno end\n')).toBe(true);
    expect(text).not.toContain('Bcc');
  }
});

test('mailsubj sends what a script says', async () => {
  expect(await send('mailsubj', ['two', 'alice@example.test'], 'hello\n')).toMatchObject({
    code: 0,
    err: '',
  });
  expect(await received('alice', 'two')).toMatch(/\nTo: alice@example\.test\n\nhello\n$/);
});

test('predate before qmail-inject: the message has the date in local time', async () => {
  const args = [join(DIST, 'qmail-inject'), '-fsender@elsewhere.test', 'bob@example.test'];
  const ran = await send('predate', args, 'Subject: three\n\nhello\n', { TZ: 'Asia/Kolkata' });
  expect(ran).toMatchObject({ code: 0, err: '' });
  const text = await received('bob', 'three');
  expect(text).toMatch(/^Return-Path: <sender@elsewhere\.test>\n/);
  expect(text.match(/^Date: .*/gm)).toEqual([expect.stringMatching(/ \+0530$/)]);
});

test('datemail and mailsubj, by links in another directory, find the programs they need', async () => {
  const links = join(top, 'links');
  mkdirSync(links);
  chmodSync(links, 0o755);
  for (const name of ['datemail', 'mailsubj']) symlinkSync(join(DIST, name), join(links, name));
  const input = 'Subject: five\nTo: alice@example.test\n\nhello\n';
  const dated = await send(join(links, 'datemail'), ['-t'], input, { TZ: 'Asia/Kolkata' });
  expect(dated).toMatchObject({ code: 0, err: '' });
  const text = await received('alice', 'five');
  expect(text.match(/^Date: .*/gm)).toEqual([expect.stringMatching(/ \+0530$/)]);
  const words = ['six', 'alice@example.test'];
  expect(await send(join(links, 'mailsubj'), words, 'hello\n')).toMatchObject({ code: 0, err: '' });
  await received('alice', 'six');
});

test('with the instance stopped it says so, and nothing is lost without a word', async () => {
  expect(await stopInstance(instance)).toBe(0);
  const ran = await send('qmail-inject', ['alice@example.test'], 'Subject: four\n\n');
  expect(ran.code).toBe(111);
  expect(ran.err).toMatch(/^qmail-inject: fatal: \S.*\n$/);
});
