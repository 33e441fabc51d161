// Quotas and autoresponses along the whole path: over SMTP in, through qmail-send and vdeliver, one-shot and in its
// worker, to the mailbox and back to the sender.

import { chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { submitBySmtp } from './lib/fault-shim/submit.ts';
import {
  DIST,
  logOf,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stopInstance,
} from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { run } from './lib/run.ts';

let top: string;
let dir: string;
let instance: RunningInstance | undefined;
beforeEach(() => {
  top = openDirectory('vdeliver-smtp-');
  dir = join(top, 'var');
  instance = undefined;
});
afterEach(async () => {
  await removeInstance(dir, [instance?.supervisor]);
  await removeInstance(top, []);
});

const inDomain = (path: string) => join(dir, 'domains/example.test', path);

function mailOf(user: string): string[] {
  const files = ['new', 'cur'].flatMap((folder) =>
    readdirSync(inDomain(`users/${user}/${folder}`)).map((name) => `${folder}/${name}`),
  );
  return files.map((name) => readFileSync(inDomain(`users/${user}/${name}`), 'latin1'));
}

/** Waits for a message to `user` that has `words` in it. */
function arrived(user: string, words: string, count = 1): Promise<string> {
  return until(`${count} with "${words}" for ${user}: ${logOf(dir)}`, () => {
    const found = mailOf(user).filter((text) => text.includes(words));
    return found.length >= count ? found.at(-1) : undefined;
  });
}

async function send(sender: string, recipient: string, text: string): Promise<void> {
  const port = instance?.smtpPort ?? 0;
  expect(await submitBySmtp(port, { sender, recipients: [recipient] }, text)).toBe(true);
}

test('a full mailbox bounces to the sender, an autoresponse answers once, and the account is right', async () => {
  instance = await startInstance(dir);
  const [alice, bob] = instance.users.map(({ address }) => address) as [string, string];
  const [name, other] = [alice, bob].map((address) => address.split('@')[0]) as [string, string];
  const { uid, gid } = statSync(inDomain('users'));
  const before = mailOf(name).length;
  const limit = before + 5;
  const env = { PATH: `${DIST}:/usr/bin:/bin`, HOME: inDomain(''), QMAILHOME: dir, USER: 'owner' };
  const set = ['--msgcount', String(limit), name];
  const own = process.getuid?.() === 0 ? { uid, gid } : {};
  expect(await run(join(DIST, 'vchattr'), set, { env, ...own })).toMatchObject({ code: 0 });
  mkdirSync(inDomain(`users/${name}/autoresponse`));
  writeFileSync(
    inDomain(`users/${name}/autoresponse/message.txt`),
    'Subject: away: %S\n\nBack on Monday.\n',
  );
  mkdirSync(inDomain('.vmailmgr'), { recursive: true });
  writeFileSync(inDomain('.vmailmgr/quota-warnings'), '');
  for (const path of [`users/${name}/autoresponse`, '.vmailmgr', '.vmailmgr/quota-warnings'])
    chownSync(inDomain(path), uid, gid);
  for (let n = 1; n <= 5; n++) {
    await send(bob, alice, `To: ${alice}\nSubject: number ${n}\nMessage-ID: <${n}@x>\n\n${n}\n`);
    await arrived(name, `Subject: number ${n}\n`);
  }
  const reply = await arrived(other, 'Back on Monday.\n');
  expect(reply).toContain('Return-Path: <>\n');
  expect(reply).toContain('Subject: away: number 1\n');
  expect(reply).toContain('In-Reply-To: <1@x>\n');
  await send(bob, alice, `To: ${alice}\nSubject: too much\n\nx\n`);
  const bounce = await arrived(other, 'too many messages stored in the mailbox');
  expect(bounce).toContain('Return-Path: <>\n');
  expect(bounce).toContain('Subject: too much\n');
  expect(mailOf(name)).toHaveLength(limit);
  const lines = readFileSync(inDomain(`users/${name}/maildirsize`), 'latin1')
    .trimEnd()
    .split('\n');
  const sum = lines.slice(1).map((line) => Number(line.trim().split(/ +/)[1]));
  expect(lines[0]).toBe(`${limit}C`);
  expect(sum.reduce((a, b) => a + b, 0)).toBe(limit);
  expect(mailOf(other).filter((text) => text.includes('Back on Monday'))).toHaveLength(1);
  expect(readFileSync(join(dir, 'log/current'), 'latin1')).toContain('autoresponse:_qp_');
  expect(await stopInstance(instance)).toBe(0);
});
