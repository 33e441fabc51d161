// The real qmail-send and qmail-clean on a real queue; the test plays the spawners.

import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type Instance, until } from './testing/instance.ts';
import { useSends } from './testing/sends.ts';

const sends = useSends();
const { start } = sends;
let instance: Instance;
beforeEach(() => {
  instance = sends.instance;
});

const SECONDS = () => Math.floor(Date.now() / 1000);

test('a message to a local box: every line of the log, and nothing left in the queue', async () => {
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  const send = start({ local: () => 'Kdid 1+0+0\n' });
  await send.logged('end msg');
  await until(() => instance.files().length === 0);
  expect(await send.end('SIGTERM')).toBe(0);
  expect(send.log.split('\n')).toEqual([
    'status: local 0/10 remote 0/20',
    `new msg ${id}`,
    `info msg ${id}: bytes 18 from <joe@far.test> qp 99 uid 7`,
    `starting delivery 1: msg ${id} to local ann@mail.test`,
    'status: local 1/10 remote 0/20',
    'delivery 1: success: did_1+0+0/',
    'status: local 0/10 remote 0/20',
    `end msg ${id}`,
    'status: exiting',
    '',
  ]);
  expect(send.local.commands).toMatchObject([
    {
      slot: 0,
      message: instance.paths.messName(id),
      sender: 'joe@far.test',
      recipient: 'ann@mail.test',
    },
  ]);
});

test('recipients go to their channels, rewritten; the sender is expanded for each', async () => {
  const send = start();
  instance.enqueue('list-@mail.test-@[]', ['root', 'x@virtual.test', 'y@far.test']);
  await send.logged('end msg');
  await send.end('SIGTERM');
  expect(send.local.commands.map((it) => [it.sender, it.recipient]).sort()).toEqual([
    ['list-root=mail.test@mail.test', 'root@mail.test'],
    ['list-vdom-x=virtual.test@mail.test', 'vdom-x@virtual.test'],
  ]);
  expect(send.remote.commands.map((it) => [it.sender, it.recipient])).toEqual([
    ['list-y=far.test@mail.test', 'y@far.test'],
  ]);
});

test('a message without recipients ends at once', async () => {
  const send = start();
  instance.enqueue('joe@far.test', []);
  await send.logged('end msg');
  await until(() => instance.files().length === 0);
  expect(await send.end('SIGTERM')).toBe(0);
});

test('a deferred recipient stays in line, with what is done marked in place; an alarm tries it at once', async () => {
  const send = start({
    local: ({ recipient }) => (recipient.startsWith('a') ? 'Kok\n' : 'Zlater\n'),
  });
  const id = instance.enqueue('joe@far.test', ['ann@mail.test', 'bob@mail.test']);
  await send.logged('deferral: later/\nstatus: local 0/10');
  await until(() => readFileSync(instance.paths.local(id), 'latin1').startsWith('D'));
  expect(readFileSync(instance.paths.local(id), 'latin1')).toBe('Dann@mail.test\0Tbob@mail.test\0');
  send.local.answer = () => 'Kok\n';
  send.signal('SIGALRM');
  await send.logged('end msg');
  expect(send.local.commands.map((it) => it.recipient)).toEqual([
    'ann@mail.test',
    'bob@mail.test',
    'bob@mail.test',
  ]);
  await send.end('SIGTERM');
});

test('at a clean exit the schedule is written into the files, and the next start keeps it', async () => {
  const first = start({ local: () => 'Zlater\n' });
  const before = SECONDS();
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  await first.logged(/deferral.*\nstatus/);
  const seconds = SECONDS() - before; // that birth and attempt lie in, in whichever of them
  await first.end('SIGTERM');
  const due = Math.floor(statSync(instance.paths.local(id)).mtimeMs / 1000);
  expect(due - before).toBeGreaterThanOrEqual(100);
  expect(due - before).toBeLessThanOrEqual((Math.sqrt(seconds) + 10) ** 2);

  // Not due: nothing is tried. An exit writes the same time again.
  const second = start();
  await second.logged('status:');
  await second.end('SIGTERM');
  expect(second.log).not.toContain('starting delivery');
  expect(Math.floor(statSync(instance.paths.local(id)).mtimeMs / 1000)).toBe(due);

  utimesSync(instance.paths.local(id), due, SECONDS() - 1);
  const third = start();
  await third.logged('end msg');
  await third.end('SIGTERM');
});

test('a failure bounces to the sender, word for word', async () => {
  const send = start({
    local: () => 'DSorry, no mailbox here.\n\n(#5.1.1)',
    remote: () => 'Kok\n',
  });
  instance.enqueue(
    'Joe Doe@far.test',
    ['ann@virtual.test', 'bob@far.test'],
    'Received: q\n\nbody\n',
  );
  await send.logged('end msg');
  await send.end('SIGTERM');
  const [bounce, ...others] = instance.bounced();
  expect(others).toEqual([]);
  expect(bounce?.envelope).toBe('F\0TJoe Doe@far.test\0\0');
  expect(bounce?.message.replace(/^Date: .*\n/, 'Date: D\n')).toBe(
    `Date: D
From: MAILER-DAEMON@mail.test
To: "Joe Doe"@far.test
Subject: failure notice

Hi. This is the qmail-send program at mail.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ann@virtual.test>:
Sorry, no mailbox here.
/(#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <"Joe Doe"@far.test>
Received: q

body
`,
  );
  expect(bounce?.message).toMatch(/^Date: [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} -0000\n/);
  expect(send.story).toContain('delivery 1: failure: Sorry,_no_mailbox_here.//(#5.1.1)');
  expect(send.story.slice(-3)).toEqual(['bounce msg N qp P', 'end msg N', 'status: exiting']);
  expect(instance.files()).toEqual([]);
});

test('a bounce that bounces goes to the postmaster, and a third one nowhere', async () => {
  const send = start({ local: () => 'Dno\n', remote: () => 'Dno\n' });
  instance.enqueue('', ['ann@mail.test']);
  await send.logged('end msg');
  const [double] = instance.bounced();
  expect(double?.envelope).toBe('F#@[]\0Tpostmaster@mail.test\0\0');
  expect(double?.message).toContain('but the bounce bounced!\n\n<ann@mail.test>:\nno\n\n');
  expect(double?.message).toContain(
    '--- Below this line is the original bounce.\n\nReturn-Path: <>\n',
  );

  instance.enqueue('#@[]', ['ann@mail.test']);
  await send.logged(/triple bounce: discarding bounce\/[0-9]+\nend msg/);
  await send.end('SIGTERM');
  expect(instance.bounced().length).toBe(1);
  expect(instance.files()).toEqual([]);
});

test('an empty doublebounceto discards double bounces', async () => {
  instance.control('doublebounceto', '\n');
  const send = start({ local: () => 'Dno\n' });
  instance.enqueue('', ['ann@mail.test']);
  await send.logged(/double bounce: discarding bounce\/[0-9]+\nend msg/);
  await send.end('SIGTERM');
  expect(instance.bounced()).toEqual([]);
});

test('a bounce for an expanded sender goes to the address without its mark', async () => {
  const send = start({ local: () => 'Dno\n' });
  instance.enqueue('list-@mail.test-@[]', ['ann@mail.test']);
  await send.logged('end msg');
  await send.end('SIGTERM');
  expect(instance.bounced().map((it) => it.envelope)).toEqual(['F\0Tlist-@mail.test\0\0']);
});

test('a bounce that cannot be queued is kept until it can', async () => {
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  instance.env.QMAILQUEUE = '/bin/false';
  const first = start({ local: () => 'Dno\n' });
  await first.logged('warning: trouble injecting bounce message, will try later');
  await first.end('SIGTERM');
  expect(readFileSync(instance.paths.bounce(id), 'latin1')).toBe('<ann@mail.test>:\nno\n\n');
  expect(first.log).not.toContain('end msg');

  instance.env.QMAILQUEUE = `${instance.home}/fake-queue`;
  const second = start();
  await second.logged('end msg');
  await second.end('SIGTERM');
  expect(instance.bounced().length).toBe(1);
});

test('a message too long in the queue is given up at its next attempt', async () => {
  const send = start({ local: () => 'Zbusy\n' });
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  await send.logged(/deferral.*\nstatus/);
  const old = SECONDS() - 604802;
  utimesSync(instance.paths.info(id), old, old);
  send.signal('SIGALRM');
  await send.logged('end msg');
  await send.end('SIGTERM');
  expect(send.log).toContain("failure: busy/I'm_not_going_to_try_again;_this_message");
  expect(instance.bounced()[0]?.message).toContain(
    "<ann@mail.test>:\nbusy\nI'm not going to try again; this message has been in the queue too long.\n\n",
  );
});

test('mangled reports defer, and reports for nobody are complained about', async () => {
  const send = start({ local: () => 'Xwhat', remote: () => undefined });
  instance.enqueue('joe@far.test', ['ann@mail.test', 'bob@far.test']);
  await send.logged('delivery 1: report mangled, will defer\nstatus: local 0/10');
  await until(() => send.remote.commands.length === 1);
  send.remote.raw(Buffer.from('\x05Kx\0\0K', 'latin1'));
  await send.logged('warning: internal error: delivery report out of range');
  send.remote.raw(Buffer.from(`${'y'.repeat(30_000)}\0\0K\0`, 'latin1'));
  await send.logged(/success: y{9998}\n/);
  await until(() => send.log.split('out of range').length === 3);
  await send.end('SIGTERM');
});

test('a spawner with fewer slots is never given more, and all recipients have their turn', async () => {
  const send = start({ limit: 2, local: () => undefined });
  const recipients = Array.from({ length: 7 }, (_, i) => `box${i}@mail.test`);
  instance.enqueue('joe@far.test', recipients);
  await until(() => send.local.commands.length === 2);
  await send.logged('status: local 2/2 remote 0/2');
  for (let done = 0; done < 7; done++) {
    await until(() => send.local.commands.length > done);
    expect(send.local.commands.length).toBeLessThanOrEqual(done + 2);
    send.local.report(send.local.commands[done]?.slot as number, 'Kok\n');
  }
  await send.logged('end msg');
  expect(send.local.commands.map((it) => it.recipient)).toEqual(recipients);
  await send.end('SIGTERM');
});

test('concurrency 0 holds a channel, not the other one', async () => {
  instance.control('concurrencyremote', '0\n');
  const send = start();
  const id = instance.enqueue('joe@far.test', ['bob@far.test', 'ann@mail.test']);
  await send.logged('success');
  await until(() => !existsSync(instance.paths.local(id)));
  await send.end('SIGTERM');
  expect(send.remote.commands).toEqual([]);
  expect(existsSync(instance.paths.remote(id))).toBe(true);
});

test('SIGTERM begins nothing new, waits for what runs, and keeps the rest', async () => {
  instance.control('concurrencylocal', '1\n');
  const send = start({ local: () => undefined });
  const id = instance.enqueue('joe@far.test', ['ann@mail.test', 'bob@mail.test']);
  await until(() => send.local.commands.length === 1);
  send.signal('SIGTERM');
  await until(() => !send.openFiles().some((path) => path.endsWith('lock/trigger')));
  const other = instance.enqueue('joe@far.test', ['carl@mail.test']);
  send.local.report(0, 'Kok\n');
  expect(await send.end()).toBe(0);
  expect(send.story.slice(-3)).toEqual([
    'delivery 1: success: ok/',
    'status: local 0/1 remote 0/20 exitasap',
    'status: exiting',
  ]);
  expect(readFileSync(instance.paths.local(id), 'latin1')).toBe('Dann@mail.test\0Tbob@mail.test\0');
  expect(existsSync(instance.paths.todo(other))).toBe(true);

  const again = start();
  await until(() => again.log.split('end msg').length === 3);
  await again.end('SIGTERM');
  expect(again.local.commands.map((it) => it.recipient).sort()).toEqual([
    'bob@mail.test',
    'carl@mail.test',
  ]);
  expect(instance.files()).toEqual([]);
});

test('SIGHUP rereads locals and virtualdomains; what cannot be read keeps its old value', async () => {
  const send = start();
  await send.logged('status:');
  instance.control('locals', 'new.test\n');
  await rm(`${instance.home}/control/virtualdomains`);
  mkdirSync(`${instance.home}/control/virtualdomains`);
  send.signal('SIGHUP');
  await send.logged('alert: unable to reread control/virtualdomains');
  instance.enqueue('joe@far.test', ['a@new.test', 'b@mail.test', 'c@virtual.test']);
  await send.logged('end msg');
  await send.end('SIGTERM');
  expect(send.log).not.toContain('control/locals');
  expect(send.local.commands.map((it) => it.recipient).sort()).toEqual([
    'a@new.test',
    'vdom-c@virtual.test',
  ]);
  expect(send.remote.commands.map((it) => it.recipient)).toEqual(['b@mail.test']);
});

test('two of them cannot work on one queue', async () => {
  const first = start();
  await first.logged('status:');
  const second = start();
  expect(await second.end()).toBe(111);
  expect(second.log).toBe('alert: cannot start: qmail-send is already running\n');
  await first.end('SIGTERM');
});

test('without a spawner it does not start', async () => {
  const send = start({ limit: null });
  send.local.announce();
  send.remote.die();
  expect(await send.end()).toBe(111);
  expect(send.log).toBe('alert: cannot start: hath the daemon spawn no fire?\n');
});

test('while it waits for the spawners it can be stopped', async () => {
  const send = start({ limit: null });
  send.local.announce();
  await until(() => send.catches('SIGHUP')); // set up after SIGTERM's
  expect(await send.end('SIGTERM')).toBe(0);
  expect(send.log).toBe('status: exiting\n');
});

test('without locals and me it does not start', async () => {
  await rm(`${instance.home}/control/locals`);
  await rm(`${instance.home}/control/me`);
  const send = start();
  expect(await send.end()).toBe(111);
  expect(send.log).toBe('alert: cannot start: unable to read controls\n');
});

test('a spawner that dies takes qmail-send with it, and no recipient is lost', async () => {
  const send = start({ local: () => undefined });
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  await until(() => send.local.commands.length === 1);
  send.local.die();
  expect(await send.end()).toBe(0);
  expect(send.story.slice(-2)).toEqual([
    'alert: oh no! lost spawn connection! dying...',
    'status: exiting',
  ]);
  const again = start();
  await again.logged('end msg');
  await again.end('SIGTERM');
});

test('without qmail-clean it finishes its deliveries and ends', async () => {
  const send = start({ local: () => undefined });
  const id = instance.enqueue('joe@far.test', ['ann@mail.test', 'bob@mail.test']);
  await until(() => send.local.commands.length === 2);
  send.clean.kill('SIGKILL');
  await send.logged('alert: oh no! lost qmail-clean connection! dying...');
  send.local.report(0, 'Kok\n');
  send.local.report(1, 'Kok\n');
  expect(await send.end()).toBe(0);
  expect(existsSync(instance.paths.info(id))).toBe(true);
});

test('when the queue server is gone it ends; its own end is the end of the lifeline', async () => {
  const send = start({ lifeline: true });
  await send.logged('status:');
  let ended = false;
  send.lifeline?.on('end', () => {
    ended = true;
  });
  send.lifeline?.resume();
  send.signal('SIGTERM');
  await until(() => ended);
  expect(await send.end()).toBe(0);

  const other = start({ lifeline: true });
  await other.logged('status:');
  other.lifeline?.destroy();
  expect(await other.end()).toBe(0);
  expect(other.log).toContain(
    'alert: oh no! lost qmail-queue connection! dying...\nstatus: exiting\n',
  );
});

test('mess files nobody needs are removed after 36 hours, the young and the needed ones are not', async () => {
  const days = 2 * 86400;
  const make = (number: string) => {
    const path = instance.paths.mess(number);
    writeFileSync(path, 'x');
    utimesSync(path, SECONDS() - days, SECONDS() - days);
    return path;
  };
  const [orphan, needed] = [make('230001'), make('230002')];
  writeFileSync(instance.paths.intd('230001'), 'x');
  writeFileSync(instance.paths.info('230002'), 'Fjoe@far.test\0');
  writeFileSync(instance.paths.remote('230002'), 'Tann@far.test\0');
  utimesSync(instance.paths.remote('230002'), SECONDS() + 900, SECONDS() + 900);
  const young = instance.paths.mess('230003');
  writeFileSync(young, 'x');
  const send = start();
  await until(() => !existsSync(orphan));
  await send.end('SIGTERM');
  expect(existsSync(instance.paths.intd('230001'))).toBe(false);
  expect([needed, young].every((path) => existsSync(path))).toBe(true);
});

test('a damaged todo file is complained about, stays, and holds up nobody', async () => {
  const bad = instance.enqueue('joe@far.test', ['ann@mail.test']);
  writeFileSync(instance.paths.intd(bad), 'u1\0p2\0Fjoe@far.test\0Qx\0');
  instance.enqueue('joe@far.test', ['bob@mail.test']);
  const send = start();
  await send.logged('end msg');
  await send.logged(`warning: unknown record type in todo/${bad}`);
  await send.end('SIGTERM');
  expect(existsSync(instance.paths.todo(bad))).toBe(true);
  expect(send.local.commands.map((it) => it.recipient)).toEqual(['bob@mail.test']);
});

test('leftovers of an interrupted preprocessing are written anew', async () => {
  const id = instance.enqueue('joe@far.test', ['ann@mail.test']);
  writeFileSync(instance.paths.info(id), 'Fwrong@far.test\0');
  writeFileSync(instance.paths.remote(id), 'Twrong@far.test\0');
  const send = start();
  await send.logged('end msg');
  await send.end('SIGTERM');
  expect(send.remote.commands).toEqual([]);
  expect(send.local.commands).toMatchObject([
    { sender: 'joe@far.test', recipient: 'ann@mail.test' },
  ]);
});

test('files with other names in the queue are left alone', async () => {
  const strange = ['todo/x', 'todo/007', 'info/0/1', 'info/3/readme', 'mess/5/tmp'];
  for (const name of strange) {
    mkdirSync(dirname(`${instance.queue}/${name}`), { recursive: true });
    closeSync(openSync(`${instance.queue}/${name}`, 'w'));
  }
  const send = start();
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  await send.logged('end msg');
  await until(() => instance.files().length === strange.length);
  await send.end('SIGTERM');
  expect(instance.files()).toEqual([...strange].sort());
  expect(send.log).not.toMatch(/warning|alert/);
});

test('a message with 20000 recipients goes through, and others pass while it is being rewritten', async () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `box${i}@far.test`);
  const send = start({ limit: 120 });
  instance.control('concurrencyremote', '120\n');
  const id = instance.enqueue('joe@far.test', many);
  await send.logged(`info msg ${id}`);
  instance.enqueue('joe@far.test', ['ann@mail.test']);
  await send.logged(/end msg/);
  await until(() => send.log.split('end msg').length === 3);
  await send.end('SIGTERM');
  expect(new Set(send.remote.commands.map((it) => it.recipient)).size).toBe(20_000);
  expect(send.log.indexOf('ann@mail.test')).toBeLessThan(send.log.indexOf(`end msg ${id}`));
});
