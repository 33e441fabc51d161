// vdeliver's autoresponse, as built: who gets it and when, and that nothing about it touches the delivery.

import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type DeliverOptions,
  DOMAIN,
  makeVirtualDomain,
  type VirtualDomain,
} from './lib/virtual-domain.ts';

let domain: VirtualDomain;
beforeEach(async () => {
  domain = await makeVirtualDomain('vdeliver-autoresponse-');
  // A queue that keeps what it is given; $QQ is its exit code.
  domain.write(
    join(domain.qmail, 'bin/qmail-queue'),
    `#!/bin/sh\ncat >'${inHome('queued')}'\ncat <&1 >'${inHome('envelope')}'\nexit \${QQ:-0}\n`,
    0o755,
  );
  expect((await domain.tool('vadduser', ['-P', 'me'])).code).toBe(0);
});
afterEach(() => domain.remove());

const inHome = (path: string) => join(domain.home, path);
const mail = () => readdirSync(inHome('users/me/new'));
const setting = (name: string, text: string, mode = 0o644) =>
  domain.write(inHome(`.vmailmgr/${name}`), text, mode);
const sent = () => readFileSync(inHome('users/me/autoresponse/message.txt.sent'), 'latin1');

function away(content: string, user = 'me'): void {
  domain.write(inHome(`users/${user}/autoresponse/message.txt`), content);
  chownSync(inHome(`users/${user}/autoresponse`), domain.uid, domain.gid);
}

const TO_ME = `To: me@${DOMAIN}\nSubject: are you there?\nMessage-ID: <1@elsewhere.test>\n\nhello\n`;

/** What the queue got and what was said; each look forgets. */
async function deliver(options: DeliverOptions = {}, ext = 'me') {
  for (const name of ['queued', 'envelope']) rmSync(inHome(name), { force: true });
  const said = await domain.deliver(ext, { message: TO_ME, ...options });
  expect([said.code, said.err]).toEqual([0, '']);
  const reply = existsSync(inHome('queued')) ? readFileSync(inHome('queued'), 'latin1') : undefined;
  return { said: said.out, reply };
}

test('goes to the envelope sender from nobody, once, with the thread and the subject', async () => {
  away('From: Me <me@dom.test>\nSubject: Re: %S (%S)\nTo: left@out.test\n\nBack on Monday.\n');
  const { said, reply } = await deliver();
  expect(said).toMatch(/^vdeliver: autoresponse: qp [0-9]+\n$/);
  expect(reply?.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^Message-ID: <[0-9.]+vdeliver@dom\.test>$/),
    'From: Me <me@dom.test>',
    'To: <ann@elsewhere.test>',
    'Subject: Re: are you there? (%S)',
    'In-Reply-To: <1@elsewhere.test>',
    'References: <1@elsewhere.test>',
    'Auto-Submitted: auto-replied',
    '',
    'Back on Monday.',
    '',
  ]);
  expect(readFileSync(inHome('envelope'), 'latin1')).toBe('F\0Tann@elsewhere.test\0\0');
  expect(sent()).toMatch(/^[0-9]{10} ann@elsewhere\.test\n$/);
  expect(await deliver()).toEqual({
    said: 'vdeliver: no autoresponse: the sender has had a reply\n',
    reply: undefined,
  });
  expect((await deliver({ env: { SENDER: 'ben@y.test' } })).reply).toContain('To: <ben@y.test>\n');
  expect(mail()).toHaveLength(3);
});

test.each<[string, DeliverOptions, string]>([
  ['a bounce', { env: { SENDER: '' } }, 'it is a bounce'],
  ['a list', { message: `List-Id: <x>\n${TO_ME}` }, 'List-Id: <x>'],
  ['bulk mail', { message: `Precedence: bulk\n${TO_ME}` }, 'Precedence: bulk'],
  [
    'another reply',
    { message: `Auto-Submitted: auto-replied\n${TO_ME}` },
    'Auto-Submitted: auto-replied',
  ],
  ['a blind copy', { message: 'To: x@y.test\n\n' }, 'it is not addressed to here'],
  ['ourselves', { env: { SENDER: `me@${DOMAIN}` } }, 'it is from here'],
])('%s gets none, and the message is delivered', async (_, options, reason) => {
  away('\nBack on Monday.\n');
  expect(await deliver(options)).toEqual({
    said: `vdeliver: no autoresponse: ${reason}\n`,
    reply: undefined,
  });
  expect(mail()).toHaveLength(1);
});

test('is for the address of an extension and of an alias without a mailbox, too', async () => {
  away('\nBack on Monday.\n');
  const message = `To: me-list@${DOMAIN}\n\nx\n`;
  expect((await deliver({ message }, 'me-list')).reply).toContain(`From: <me-list@${DOMAIN}>\n`);
  await domain.tool('vadduser', ['-P', '-D', '-f', 'x@y.test', 'all']);
  away('\nWe answer within a day.\n', 'all');
  const forAll = { message: `To: all@${DOMAIN}\n\nx\n` };
  expect((await deliver(forAll, 'all')).reply).toContain('We answer within a day.\n');
});

test('is not sent before its start nor after its end, and its dates stay at home', async () => {
  const day = (days: number) =>
    execFileSync('date', ['-d', `${days} days`, '+%Y-%m-%d'], { env: domain.env })
      .toString()
      .trim();
  const between = (start: number, end: number) =>
    away(`X-Autoresponse-Start: ${day(start)}\nX-Autoresponse-End: ${day(end)}\n\nx\n`);
  between(1, 2);
  expect((await deliver()).said).toBe('vdeliver: no autoresponse: it is too early\n');
  between(-3, -1);
  expect((await deliver()).said).toBe('vdeliver: no autoresponse: it is over\n');
  let today: string;
  let reply: string | undefined;
  do {
    today = day(0);
    between(0, 0);
    reply = (await deliver()).reply;
  } while (day(0) !== today); // it was midnight meanwhile
  expect(reply).toContain('\n\nx\n');
  expect(reply).not.toContain('X-Autoresponse');
});

test('autoresponse-days is how long a sender is remembered', async () => {
  away('\nx\n');
  const old = Math.floor(Date.now() / 1000) - 3 * 86_400;
  domain.write(inHome('users/me/autoresponse/message.txt.sent'), `${old} ann@elsewhere.test\n`);
  expect((await deliver()).reply).toBeUndefined();
  setting('autoresponse-days', '2\n');
  expect((await deliver()).reply).toBeDefined();
  setting('autoresponse-days', '-\n');
  expect((await deliver()).reply).toBeUndefined();
});

describe('trouble with it never touches the delivery', () => {
  test.each(['53', '31'])('a queue that answers %s: the next message is answered', async (QQ) => {
    away('\nx\n');
    expect((await deliver({ env: { QQ } })).said).toMatch(/^vdeliver: no autoresponse: ./);
    expect((await deliver()).said).toMatch(/autoresponse: qp/);
    expect(mail()).toHaveLength(2);
  });

  test('a text that is too long, a directory, or in a place that cannot be read', async () => {
    away('x'.repeat(70_000));
    expect((await deliver()).said).toContain('is too long\n');
    away('Subject: only\n');
    expect((await deliver()).said).toContain('no empty line');
    rmSync(inHome('users/me/autoresponse'), { recursive: true });
    domain.write(inHome('users/me/autoresponse/message.txt/x'), '');
    expect((await deliver()).said).toContain('is not a file\n');
    setting('autoresponse-dir/x', '');
    expect((await deliver()).said).toContain('unable to read the setting');
    expect(mail()).toHaveLength(4);
  });

  test('none, an empty one and a disabled one are silence', async () => {
    expect(await deliver()).toEqual({ said: '', reply: undefined });
    away('');
    expect(await deliver()).toEqual({ said: '', reply: undefined });
    domain.write(inHome('users/me/autoresponse/message.txt.disabled'), '\nx\n');
    rmSync(inHome('users/me/autoresponse/message.txt'));
    expect(await deliver()).toEqual({ said: '', reply: undefined });
  });
});

test('a postdeliver hook that runs qmail-autoresponder replies in its place; autoresponse-by decides', async () => {
  const hook = (script: string) => setting('vdeliver-postdeliver', `#!/bin/sh\n${script}\n`, 0o755);
  const silent = { said: '', reply: undefined };
  away('\nx\n');
  hook('exit 0 # exec qmail-autoresponder');
  expect(await deliver()).toEqual(silent);
  expect((await deliver({ args: ['--no-postdeliver'] })).reply).toBeDefined();
  rmSync(inHome('users/me/autoresponse/message.txt.sent'));
  setting('autoresponse-by', 'vdeliver');
  expect((await deliver()).reply).toBeDefined();
  hook('exit 0');
  setting('autoresponse-by', 'hook');
  expect(await deliver()).toEqual(silent);
});
