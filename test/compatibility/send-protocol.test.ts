// qmail-send's pipes, with the bytes that C qmail's qmail-lspawn, qmail-rspawn and qmail-clean are recorded to read
// and write on them.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClassicHost, messageName } from '../lib/classic-host.ts';
import { until } from '../lib/processes.ts';
import { RecordedSend, type Recording } from '../lib/recorded-send.ts';

const MESSAGE = 'Subject: x\n\nhello\n';
const ENVELOPE = 'u7\0p99\0Fjoe@far.test\0';

let host: ClassicHost;
let sends: RecordedSend[];

beforeEach(() => {
  host = new ClassicHost({ locals: 'mail.test\n', virtualdomains: 'virtual.test:vdom\n' });
  sends = [];
});
afterEach(async () => {
  for (const send of sends) await send.kill();
  host.remove();
});

function start(recording: Recording = {}): RecordedSend {
  const send = new RecordedSend(host, recording);
  sends.push(send);
  return send;
}

describe('a spawner’s first byte', () => {
  test.each([
    ['\x78', '\x78', '10/20', ''],
    ['\x03', '\xff', '3/20', ''],
    ['\x00', '\x01', '0/1', ''],
    ['\xff', '\xff', '200/255', '200\n'],
  ])('%j and %j, local and remote: %s', async (local, remote, slots, concurrency) => {
    if (concurrency !== '') {
      host.file('control/concurrencylocal', concurrency);
      host.file('control/concurrencyremote', '1000\n');
    }
    const [l, r] = slots.split('/');
    const send = start({ local, remote });
    await send.logged(`status: local 0/${l} remote 0/${r}\n`);
  });

  test.each([
    ['qmail-lspawn', { local: '' }],
    ['qmail-rspawn', { remote: '' }],
  ])('from %s that never comes: it does not start', async (_, recording) => {
    const send = start(recording);
    expect(await send.end()).toBe(111);
    expect(send.log).toBe('alert: cannot start: hath the daemon spawn no fire?\n');
  });
});

describe('a delivery', () => {
  test('is slot, S/N, sender, recipient, and is reported by slot, letter, text', async () => {
    const id = host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0`);
    const send = start({ answer: () => undefined });
    const command = `\0${messageName(id)}\0joe@far.test\0ann@mail.test\0`;
    await until('the command', () => send.local.heard === command);
    send.local.say('\0Kdid 1+0+0\n\0');
    await send.logged('delivery 1: success: did_1+0+0/\n');
  });

  test('virtual, of an unknown host, and of a list, each in the channel and with the sender it has', async () => {
    const id = host.queued(
      MESSAGE,
      'u7\0p99\0Flist-@mail.test-@[]\0Tann\0TBox@Virtual.TEST\0Tbob@far.test\0',
    );
    const send = start({ answer: () => undefined });
    await until('three', () => send.local.commands.length + send.remote.commands.length === 3);
    const name = messageName(id);
    expect(send.local.heard).toBe(
      `\0${name}\0list-ann=mail.test@mail.test\0ann@mail.test\0` +
        `\x01${name}\0list-vdom-Box=Virtual.TEST@mail.test\0vdom-Box@Virtual.TEST\0`,
    );
    expect(send.remote.heard).toBe(`\0${name}\0list-bob=far.test@mail.test\0bob@far.test\0`);
  });

  test('keeps its slot until its report, in whatever order reports come, and in whatever pieces', async () => {
    host.file('control/concurrencylocal', '2\n');
    const to = ['a', 'b', 'c', 'd'].map((box) => `T${box}@mail.test\0`).join('');
    host.queued(MESSAGE, ENVELOPE + to);
    const send = start({ answer: () => undefined });
    await until('two', () => send.local.commands.length === 2);
    send.local.say('\x01K');
    send.local.say('o');
    send.local.say('k\n\0');
    await until('the third', () => send.local.commands.length === 3);
    send.local.say('\0Zlater\n\0\x01Kok\n\0');
    await until('the fourth', () => send.local.commands.length === 4);
    expect(send.local.commands.map(([slot, , , address]) => [slot, address])).toEqual([
      [0, 'a@mail.test'],
      [1, 'b@mail.test'],
      [1, 'c@mail.test'],
      [expect.any(Number), 'd@mail.test'],
    ]);
  });

  test('of whom nobody knows anything, or whose report is no report, is deferred', async () => {
    const id = host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0Tbob@mail.test\0`);
    const send = start({ answer: () => undefined });
    await until('two', () => send.local.commands.length === 2);
    send.local.say('\x01Xwhat\n\0\0\0');
    await send.logged(/delivery 2: report mangled, will defer\n/);
    await send.logged(/delivery 1: report mangled, will defer\n/);
    send.local.say('\x05Kok\n\0\xffKok\n\0');
    await until(
      'both are complained about',
      () => send.log.split('warning: internal error: delivery report out of range\n').length === 3,
    );
    expect(host.read('local/S/N', id)).toBe('Tann@mail.test\0Tbob@mail.test\0');
  });

  test('whose report is endless has 10000 bytes of it', async () => {
    const id = host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0Tbob@far.test\0`);
    const send = start({ answer: () => undefined });
    await until('it is under way', () => send.local.commands.length === 1);
    send.local.say(`\0D${'x'.repeat(20_000)}\0`);
    await send.logged(/failure: x+\n/);
    const kept = /failure: (x+)\n/.exec(send.log)?.[1] as string;
    // 10000 with its slot and its letter.
    expect(kept.length).toBe(9998);
    expect(host.read('bounce/N', id)).toBe(`<ann@mail.test>:\n${kept}\n\n`);
  });

  test('to a channel that is held by concurrency 0 waits, the other channel does not', async () => {
    host.file('control/concurrencyremote', '0\n');
    const id = host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0Tbob@far.test\0`);
    const send = start();
    await send.logged(/delivery 1: success: ok\/\n/);
    await send.end('SIGTERM');
    expect(host.read('local/S/N', id)).toBeUndefined();
    expect(send.remote.heard).toBe('');
    expect(host.read('remote/S/N', id)).toBe('Tbob@far.test\0');
  });
});

describe('qmail-clean', () => {
  test('is asked for todo/N, then for foop/N, and answers each with one byte', async () => {
    const id = host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0Tbob@far.test\0`);
    const send = start({ clean: '' });
    await until('the first request', () => send.clean.heard === `todo/${id}\0`);
    expect(send.local.heard + send.remote.heard).toBe('');
    send.clean.say('+');
    await until('the second', () => send.clean.heard === `todo/${id}\0foop/${id}\0`);
    expect(host.read('info/S/N', id)).toBeUndefined();
    send.clean.say('+');
    expect(await send.end('SIGTERM')).toBe(0);
    expect(send.log).not.toContain('warning');
  });

  test.each(['!', 'x'] as const)('answers %s: a warning, and the message stays', async (clean) => {
    const id = host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0Tbob@far.test\0`);
    const send = start({ clean });
    await send.logged(`warning: qmail-clean unable to clean up todo/${id}\n`);
    expect(send.local.heard + send.remote.heard).toBe('');
  });
});

describe('a peer that dies', () => {
  test('qmail-clean: no more work, and the line that says so', async () => {
    const send = start({ clean: '+' });
    await send.logged('status:');
    send.clean.hangUp();
    expect(await send.end()).toBe(0);
    expect(send.log).toBe(
      'status: local 0/10 remote 0/20\n' +
        'alert: oh no! lost qmail-clean connection! dying...\nstatus: exiting\n',
    );
  });

  test('a spawner: the same', async () => {
    host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0Tbob@far.test\0`);
    const send = start({ answer: () => undefined });
    await until('both', () => send.local.heard !== '' && send.remote.heard !== '');
    send.remote.hangUp();
    await send.logged('alert: oh no! lost spawn connection! dying...\n');
    send.local.say('\0Kok\n\0');
    expect(await send.end()).toBe(0);
    expect(send.log).toMatch(
      /dying\.\.\.\ndelivery \d: success: ok\/\nstatus: local 0\/10 remote 1\/20 exitasap\nstatus: exiting\n$/,
    );
  });
});
