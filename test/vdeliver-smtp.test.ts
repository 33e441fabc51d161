// Quotas, warnings, autoresponses and hooks along the whole path: over SMTP in, through qmail-send and vdeliver in its
// worker, to the mailbox and back to the sender.

import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  DIST,
  logOf,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
} from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { run } from './lib/run.ts';
import { submitBySmtp } from './lib/smtp.ts';

let top: string;
let dir: string;
let instance: RunningInstance | undefined;
/** The two users of the instance: their addresses and names. */
let alice: string;
let bob: string;
let name: string;
let other: string;
beforeAll(async () => {
  top = openDirectory('vdeliver-smtp-');
  dir = join(top, 'var');
  instance = await startInstance(dir);
  [alice, bob] = instance.users.map(({ address }) => address) as [string, string];
  [name, other] = [alice, bob].map((address) => address.split('@')[0]) as [string, string];
});
afterAll(async () => {
  await removeInstance(dir, [instance?.supervisor]);
  await removeInstance(top, []);
});

const DOMAIN = 'example.test';
const inDomain = (path: string) => join(dir, 'domains', DOMAIN, path);

const readAfter = () =>
  existsSync(inDomain('after')) ? readFileSync(inDomain('after'), 'latin1') : '';

/** Runs one of the domain's tools as its owner. */
async function tool(program: string, ...args: readonly string[]): Promise<void> {
  const { uid, gid } = statSync(inDomain('users'));
  const own = process.getuid?.() === 0 ? { uid, gid } : {};
  const env = { PATH: `${DIST}:/usr/bin:/bin`, HOME: inDomain(''), QMAILHOME: dir, USER: 'owner' };
  expect(await run(join(DIST, program), args, { env, ...own })).toMatchObject({ code: 0, err: '' });
}

/** Writes a file of the domain's owner. */
function write(path: string, content: string, mode = 0o644): void {
  const { uid, gid } = statSync(inDomain('users'));
  const directory = dirname(inDomain(path));
  mkdirSync(directory, { recursive: true });
  writeFileSync(inDomain(path), content, { mode });
  for (const made of [directory, inDomain(path)]) chownSync(made, uid, gid);
}

function logged(words: string): Promise<boolean> {
  return until(`${words}: ${logOf(dir)}`, () =>
    readFileSync(join(dir, 'log/current'), 'latin1').includes(words),
  );
}

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
  const before = mailOf(name).length;
  const limit = before + 5;
  await tool('vchattr', '--msgcount', String(limit), name);
  write(`users/${name}/autoresponse/message.txt`, 'Subject: away: %S\n\nBack on Monday.\n');
  write('.vmailmgr/quota-warnings', '');
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
});

test('a mailbox is warned of at its percentages, and what is above its bytes bounces for good', async () => {
  await tool('vadduser', '--no-password', '--hardquota', '12000', 'carol');
  write('.vmailmgr/quota-warnings', '40\n80\n');
  const message = (n: number) =>
    `To: carol@${DOMAIN}\nSubject: number ${n}\n\n${'x'.repeat(79)}\n`.padEnd(3000, 'y\n');
  await send(bob, `carol@${DOMAIN}`, message(1));
  await arrived('carol', 'Subject: number 1\n');
  await send(bob, `carol@${DOMAIN}`, message(2));
  const warning = await arrived('carol', 'Auto-Submitted: auto-generated\n');
  expect(warning).toMatch(/^Subject: Your mailbox is 5[0-9] per cent full$/m);
  await send(bob, `carol@${DOMAIN}`, message(3));
  await arrived('carol', 'Auto-Submitted: auto-generated\n', 2);
  await send(bob, `carol@${DOMAIN}`, message(4));
  const bounce = await arrived(other, `<carol@${DOMAIN}>:`);
  expect(bounce).toContain("Message would exceed virtual user's disk quota. (#5.2.2)");
  expect(bounce).toContain('Subject: number 4\n');
  expect(mailOf('carol')).toHaveLength(5);
});

test('an autoresponse keeps to its dates', async () => {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const dates = { early: [2, 9], late: [-9, -2], now: [-2, 2] } as const;
  for (const [user, [start, end]] of Object.entries(dates)) {
    await tool('vadduser', '--no-password', user);
    write(
      `users/${user}/autoresponse/message.txt`,
      `X-Autoresponse-Start: ${day(start)}\nX-Autoresponse-End: ${day(end)}\n\nI am ${user}.\n`,
    );
    await send(
      bob,
      `${user}@${DOMAIN}`,
      `To: ${user}@${DOMAIN}\nSubject: hello\n\nhello ${user}\n`,
    );
    await arrived(user, `hello ${user}\n`);
  }
  const reply = await arrived(other, 'I am now.\n');
  expect(reply).not.toContain('X-Autoresponse');
  await logged('no_autoresponse:_it_is_too_early');
  await logged('no_autoresponse:_it_is_over');
  expect(mailOf(other).filter((text) => /^I am (early|late)\.$/m.test(text))).toEqual([]);
});

test('hooks of the domain see each message, and can deal with it or bounce it', async () => {
  await tool('vadduser', '--no-password', 'dave');
  write(
    '.vmailmgr/vdeliver-predeliver',
    `#!/bin/sh
[ "$VUSER" = dave ] || exit 0
grep -q '^Subject: take' && { echo taken; exit 99; }
cat <&0 >/dev/null
exit 0
`,
    0o755,
  );
  write(
    '.vmailmgr/vdeliver-postdeliver',
    '#!/bin/sh\necho "$VUSER $MAILDIR $(grep ^Subject)" >>after\n',
    0o755,
  );
  for (const subject of ['take this', 'leave this'])
    await send(bob, `dave@${DOMAIN}`, `To: dave@${DOMAIN}\nSubject: ${subject}\n\nx\n`);
  await arrived('dave', 'Subject: leave this\n');
  await until('the hook after the delivery', () =>
    readAfter().includes('dave ./users/dave Subject: leave this\n'),
  );
  await logged('taken');
  expect(mailOf('dave').filter((text) => text.includes('take this'))).toEqual([]);
  write(
    '.vmailmgr/vdeliver-predeliver',
    '#!/bin/sh\n[ "$VUSER" = dave ] || exit 0\necho "not today (#5.7.1)"\nexit 100\n',
    0o755,
  );
  await send(bob, `dave@${DOMAIN}`, `To: dave@${DOMAIN}\nSubject: refused\n\nx\n`);
  expect(await arrived(other, `<dave@${DOMAIN}>:`)).toContain('not today (#5.7.1)\n');
  rmSync(inDomain('.vmailmgr/vdeliver-predeliver'));
  rmSync(inDomain('.vmailmgr/vdeliver-postdeliver'));
});
