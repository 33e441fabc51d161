// Where qmail-send sends what: classic control files, and the addresses that its spawners are told.

import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClassicHost } from '../lib/classic-host.ts';
import { until } from '../lib/processes.ts';
import { RecordedSend, type Recording } from '../lib/recorded-send.ts';

const MESSAGE = 'Subject: x\n\nhello\n';

let host: ClassicHost;
let send: RecordedSend | undefined;

beforeEach(() => {
  host = new ClassicHost({
    me: 'me.test   \nignored.test\n',
    locals: '# comment\nLocal.TEST\t\n\nlocalhost\n',
    percenthack: 'hack.test\n',
    virtualdomains:
      'one@virtual.test:first\n' +
      'virtual.test:vdom\n' +
      '.sub.test:wild\n' +
      'Not.Sub.TEST:\n' +
      'twice.test:lost\ntwice.test:last\n' +
      'no colon here\n#comment.test:x\n',
  });
});
afterEach(async () => {
  await send?.kill();
  send = undefined;
  host.remove();
});

function start(recording: Recording = {}): RecordedSend {
  send = new RecordedSend(host, recording);
  return send;
}

/** Sends one message to all; the addresses that each spawner is told. */
async function routes(running: RecordedSend, recipients: readonly string[]) {
  const before = { local: running.local.commands.length, remote: running.remote.commands.length };
  host.queued(MESSAGE, `u7\0p99\0Fjoe@far.test\0${recipients.map((to) => `T${to}\0`).join('')}`);
  const count = () => running.local.commands.length + running.remote.commands.length;
  await until('all of them', () => count() === before.local + before.remote + recipients.length);
  return {
    local: running.local.commands.slice(before.local).map(([, , , to]) => to),
    remote: running.remote.commands.slice(before.remote).map(([, , , to]) => to),
  };
}

test('locals, virtualdomains, percenthack and envnoathost', async () => {
  expect(
    await routes(start(), [
      'Box@LOCAL.test',
      'a@b@localhost',
      'nobody',
      'x@me.test',
      'ONE@Virtual.Test',
      'two@virtual.test',
      'x@a.sub.test',
      'x@a.b.sub.test',
      'x@sub.test',
      'x@not.sub.test',
      'x@deep.not.sub.test',
      'x@twice.test',
      'x@comment.test',
      'ann%local.test@hack.test',
      'ann%two@virtual.test%hack.test@hack.test',
      'ann%far.test%hack.test@HACK.test',
      'ann@hack.test',
      'x@',
    ]),
  ).toEqual({
    local: [
      'Box@LOCAL.test',
      'a@b@localhost',
      'first-ONE@Virtual.Test',
      'vdom-two@virtual.test',
      'wild-x@a.sub.test',
      'wild-x@a.b.sub.test',
      'wild-x@deep.not.sub.test',
      'last-x@twice.test',
      'ann@local.test',
      'vdom-ann@two@virtual.test',
    ],
    remote: [
      'nobody@me.test',
      'x@me.test',
      'x@sub.test',
      'x@not.sub.test',
      'x@comment.test',
      'ann@far.test',
      'ann@hack.test',
      'x@',
    ],
  });
});

test('the empty key is for whoever nothing else is for, and exceptions stay exceptions', async () => {
  host.file('control/virtualdomains', ':all\nfar.test:\nvirtual.test:vdom\n');
  expect(
    await routes(start(), [
      'x@any.test',
      'x@far.test',
      'x@a.far.test',
      'x@virtual.test',
      'x@local.test',
      'x@',
    ]),
  ).toEqual({
    local: ['all-x@any.test', 'all-x@a.far.test', 'vdom-x@virtual.test', 'x@local.test', 'all-x@'],
    remote: ['x@far.test'],
  });
});

test('SIGHUP: locals and virtualdomains are read again, and nothing else; what is wrong keeps the old', async () => {
  const running = start();
  await running.logged('status:');
  host.file('control/locals', 'other.test\n');
  host.file('control/virtualdomains', 'new.test:n\n');
  host.file('control/percenthack', 'other.test\n');
  running.child.kill('SIGHUP');
  const to = ['x@local.test', 'x@other.test', 'x@new.test', 'x@virtual.test', 'a%b@other.test'];
  await until('the new ones count', async () => {
    const { local } = await routes(running, ['x@new.test']);
    return local[0] === 'n-x@new.test';
  });
  expect(await routes(running, to)).toEqual({
    local: ['x@other.test', 'n-x@new.test', 'a%b@other.test'],
    remote: ['x@local.test', 'x@virtual.test'],
  });
  host.file('control/locals', Buffer.alloc(0));
  // A directory in the place of the file: not even root can read that.
  rmSync(`${host.home}/control/virtualdomains`);
  host.directory('control/virtualdomains');
  running.child.kill('SIGHUP');
  await running.logged('alert: unable to reread control/virtualdomains\n');
  expect(await routes(running, ['x@other.test', 'x@new.test'])).toEqual({
    local: ['n-x@new.test'],
    remote: ['x@other.test'],
  });
});

test('without control/locals and control/me it does not start', async () => {
  for (const name of ['locals', 'me']) rmSync(`${host.home}/control/${name}`);
  const running = start();
  expect(await running.end()).toBe(111);
  expect(running.log).toBe('alert: cannot start: unable to read controls\n');
});
