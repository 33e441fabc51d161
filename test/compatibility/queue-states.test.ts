// A queue as qmail 1.03 leaves it when it is stopped or killed, in each state of qmail-queue-format(5), taken over
// by our qmail-send and qmail-clean. All files are literal bytes under their inode numbers.

import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClassicHost, messageName } from '../lib/classic-host.ts';
import { until } from '../lib/processes.ts';
import { RecordedSend, type Recording } from '../lib/recorded-send.ts';

const MESSAGE =
  'Received: (qmail 4711 invoked by uid 1000); 26 Sep 1995 04:46:54 -0000\n' +
  'Subject: recorded\n\nhello\n';
const ENVELOPE = 'u1000\0p4711\0Fjoe@far.test\0';
const HOUR = 3600;
const now = () => Math.floor(Date.now() / 1000);

let host: ClassicHost;
let sends: RecordedSend[];

beforeEach(() => {
  host = new ClassicHost({ locals: 'mail.test\n' });
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

const empty = () => until('the queue is empty', () => host.left().length === 0);

describe('S1 to S3: nothing that anybody was promised', () => {
  test('an empty queue: the line of the start, and the line of the end', async () => {
    const send = start();
    await send.logged('status:');
    expect(await send.end('SIGTERM')).toBe(0);
    expect(send.log).toBe('status: local 0/10 remote 0/20\nstatus: exiting\n');
  });

  test('S2 and S3 are left alone for 36 hours, and then removed', async () => {
    const young = host.mess(MESSAGE);
    const old2 = host.mess(MESSAGE);
    const old3 = host.mess(MESSAGE);
    const almost = host.mess(MESSAGE);
    host.queueFile('intd/N', old3, 'u1000\0p4711\0Fjoe@far.t');
    for (const id of [old2, old3]) host.touch('mess/S/N', id, { atime: now() - 36 * HOUR - 60 });
    host.touch('mess/S/N', almost, { atime: now() - 36 * HOUR + 600 });
    const send = start();
    await until('two are left', () => host.left().length === 2);
    await send.end('SIGTERM');
    expect(host.left()).toEqual([young, almost].map((id) => `mess/${messageName(id)}`).sort());
    expect(send.clean.heard.split('\0').sort()).toEqual(
      ['', `foop/${old2}`, `foop/${old3}`].sort(),
    );
    expect(send.log).not.toContain('msg');
  });

  test('what a qmail-queue left in pid goes at the first look of qmail-clean, after 36 hours', async () => {
    host.file('queue/pid/4711.812090814.1', 'half a mess');
    host.touch('pid/4711.812090814.1', '', { atime: now() - 36 * HOUR - 60 });
    host.file('queue/pid/4712.812090815.1', 'half a mess');
    const send = start();
    await until('the old one is gone', () => host.left().length === 1);
    await send.end('SIGTERM');
    expect(host.left()).toEqual(['pid/4712.812090815.1']);
  });
});

describe('S4: queued', () => {
  test.each([
    ['to one', 'Tann@mail.test\0'],
    ['to several, of both channels', 'Tann@mail.test\0Tbob@far.test\0Teve@mail.test\0'],
  ])('a message %s is delivered and removed', async (_, recipients) => {
    const id = host.queued(MESSAGE, ENVELOPE + recipients);
    const send = start();
    await empty();
    await send.end('SIGTERM');
    const delivered = [...send.local.commands, ...send.remote.commands].map((it) => it.slice(1));
    expect(delivered.sort()).toEqual(
      [...recipients.matchAll(/T([^\0]*)/g)]
        .map(([, address]) => [messageName(id), 'joe@far.test', address])
        .sort(),
    );
    expect(send.log).toContain(
      `new msg ${id}\ninfo msg ${id}: bytes 96 from <joe@far.test> qp 4711 uid 1000\n`,
    );
    expect(send.log).toContain(`end msg ${id}\n`);
  });

  test('without intd/N, as a qmail-clean killed between its two unlinks leaves it', async () => {
    const id = host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0`);
    unlinkSync(host.at('intd/N', id));
    const send = start();
    await empty();
    await send.end('SIGTERM');
    expect(send.local.commands.length).toBe(1);
  });

  test('with info, local and remote of a preprocessing that was cut short: written anew', async () => {
    const id = host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0Tbob@far.test\0`);
    host.queueFile('info/S/N', id, 'Fsomebody-else@far.te');
    host.queueFile('local/S/N', id, 'Tann@mail.test\0Teve@mail.test\0Tx');
    host.queueFile('remote/S/N', id, 'Tnobody@far.test\0');
    const send = start({ answer: () => undefined });
    await until('both are under way', () => send.remote.heard !== '' && send.local.heard !== '');
    expect(host.read('info/S/N', id)).toBe('Fjoe@far.test\0');
    expect(host.read('local/S/N', id)).toBe('Tann@mail.test\0');
    expect(host.read('remote/S/N', id)).toBe('Tbob@far.test\0');
    expect(host.read('todo/N', id)).toBeUndefined();
    expect(host.read('intd/N', id)).toBeUndefined();
    for (const name of ['info/S/N', 'local/S/N', 'remote/S/N'])
      expect(statSync(host.at(name, id)).mode & 0o7777).toBe(0o600);
    expect(send.local.commands).toEqual([[0, messageName(id), 'joe@far.test', 'ann@mail.test']]);
  });

  test('with QUEUE_EXTRA of a patched qmail-queue: one recipient more', async () => {
    host.queued(MESSAGE, 'u1000\0p4711\0Fjoe@far.test\0Tlog\0Tann@mail.test\0');
    const send = start();
    await empty();
    await send.end('SIGTERM');
    expect(send.local.commands.map(([, , , to]) => to).sort()).toEqual([
      'ann@mail.test',
      'log@mail.test',
    ]);
  });

  test('an envelope of a type that qmail-queue never writes stays in todo, with a warning', async () => {
    const id = host.queued(MESSAGE, `${ENVELOPE}Xann@mail.test\0`);
    const send = start();
    await send.logged(`warning: unknown record type in todo/${id}\n`);
    await send.end('SIGTERM');
    expect(host.read('todo/N', id)).toBe(`${ENVELOPE}Xann@mail.test\0`);
  });
});

describe('S5: preprocessed', () => {
  test('who has a D is done; the others are delivered, and marked in place', async () => {
    const id = host.mess(MESSAGE);
    host.queueFile('info/S/N', id, 'Fjoe@far.test\0');
    host.queueFile('local/S/N', id, 'Dann@mail.test\0Tbob@mail.test\0Teve@mail.test\0');
    const { ino } = statSync(host.at('local/S/N', id));
    const send = start({ answer: ([, , , to]) => (to.startsWith('bob') ? 'Kok\n' : undefined) });
    await until('bob is marked', () =>
      host.read('local/S/N', id)?.startsWith('Dann@mail.test\0Dbob@mail.test\0'),
    );
    expect(host.read('local/S/N', id)).toBe('Dann@mail.test\0Dbob@mail.test\0Teve@mail.test\0');
    expect(statSync(host.at('local/S/N', id)).ino).toBe(ino);
    expect(send.local.commands.map(([, , , to]) => to)).toEqual(['bob@mail.test', 'eve@mail.test']);
    expect(send.log).not.toContain('new msg');
  });

  test('the mtime of a channel file is when it is due; SIGALRM makes it due at once', async () => {
    const id = host.mess(MESSAGE);
    host.queueFile('info/S/N', id, 'Fjoe@far.test\0', { mtime: now() - 500 });
    host.queueFile('local/S/N', id, 'Tann@mail.test\0', { mtime: now() - 1 });
    host.queueFile('remote/S/N', id, 'Tbob@far.test\0', { mtime: now() + 1000 });
    const send = start();
    await send.logged('status: local 1/10');
    await until('ann has it', () => host.read('local/S/N', id) === undefined);
    expect(send.remote.heard).toBe('');
    send.child.kill('SIGALRM');
    await empty();
    expect(send.remote.commands.length).toBe(1);
  });

  test.each([
    ['local', 500, 32 * 32],
    ['remote', 500, 42 * 42],
    ['local', 0, 10 * 10],
    ['remote', 0, 20 * 20],
    ['local', 10_000, 110 * 110],
    ['remote', 10_000, 120 * 120],
  ] as const)(
    'a %s delivery deferred at the age of %i seconds is due at that of %i, which a clean exit writes down',
    async (channel, age, due) => {
      const id = host.mess(MESSAGE);
      // In the middle of the time in which the square root is the same, so that a slow start changes nothing.
      const birth = now() - age;
      host.queueFile('info/S/N', id, 'Fjoe@far.test\0', { mtime: birth });
      host.queueFile(`${channel}/S/N`, id, 'Tann@somewhere.test\0', { mtime: now() - 1 });
      const send = start({ answer: () => 'Znot now\n' });
      await send.logged(/deferral: not_now\/\nstatus: .*\n/);
      const seconds = now() - birth;
      expect(await send.end('SIGTERM')).toBe(0);
      const written = Math.floor(statSync(host.at(`${channel}/S/N`, id)).mtimeMs / 1000) - birth;
      const skip = channel === 'local' ? 10 : 20;
      const latest = (Math.floor(Math.sqrt(seconds)) + skip) ** 2;
      expect(written).toBeGreaterThanOrEqual(due);
      expect(written).toBeLessThanOrEqual(latest);
      expect(Math.floor(statSync(host.at('info/S/N', id)).mtimeMs / 1000)).toBe(birth);
      expect(host.read(`${channel}/S/N`, id)).toBe('Tann@somewhere.test\0');
    },
  );

  test('without channel files only the end is missing: bounce, info, message', async () => {
    const queue = host.script(
      'bin/keep',
      'exec 3<&1\ncat >"$QMAILHOME/m"\ncat <&3 >"$QMAILHOME/e"\n',
    );
    const id = host.mess(MESSAGE);
    host.queueFile('info/S/N', id, 'Fjoe@far.test\0');
    host.queueFile('bounce/N', id, '<ann@mail.test>:\nno such box\n\n');
    const send = start({ env: { QMAILQUEUE: queue } });
    await empty();
    await send.end('SIGTERM');
    expect(readFileSync(`${host.home}/e`, 'latin1')).toBe('F\0Tjoe@far.test\0\0');
    expect(readFileSync(`${host.home}/m`, 'latin1')).toContain('<ann@mail.test>:\nno such box\n\n');
    expect(send.log).toMatch(new RegExp(`\nbounce msg ${id} qp \\d+\nend msg ${id}\n`));
  });

  test('a failure is appended to the bounce that is there', async () => {
    const id = host.mess(MESSAGE);
    host.queueFile('info/S/N', id, 'Fjoe@far.test\0');
    host.queueFile('local/S/N', id, 'Dann@mail.test\0Tbob@mail.test\0');
    host.queueFile('remote/S/N', id, 'Teve@far.test\0', { mtime: now() + 5000 });
    host.queueFile('bounce/N', id, '<ann@mail.test>:\nno such box\n\n');
    const send = start({ answer: () => 'Dnor this one\n' });
    await until('local is gone', () => host.read('local/S/N', id) === undefined);
    await send.end('SIGTERM');
    expect(host.read('bounce/N', id)).toBe(
      '<ann@mail.test>:\nno such box\n\n<bob@mail.test>:\nnor this one\n\n',
    );
    expect(statSync(host.at('bounce/N', id)).mode & 0o7777).toBe(0o600);
  });

  test('after the lifetime a deferral is a failure, with the words of qmail-send', async () => {
    host.file('control/queuelifetime', '1000\n');
    const id = host.mess(MESSAGE);
    host.queueFile('info/S/N', id, 'Fjoe@far.test\0', { mtime: now() - 2000 });
    host.queueFile('local/S/N', id, 'Tann@mail.test\0');
    host.queueFile('remote/S/N', id, 'Teve@far.test\0', { mtime: now() + 5000 });
    const send = start({ answer: () => 'Zmailbox busy\n' });
    await until('local is gone', () => host.read('local/S/N', id) === undefined);
    await send.end('SIGTERM');
    expect(host.read('bounce/N', id)).toBe(
      '<ann@mail.test>:\nmailbox busy\n' +
        "I'm not going to try again; this message has been in the queue too long.\n\n",
    );
    expect(send.log).toContain(
      "delivery 1: failure: mailbox_busy/I'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long./\n",
    );
  });

  test('a second qmail-send, of whichever make, is kept out by the lock on sendmutex', async () => {
    const first = start();
    await first.logged('status:');
    const second = start();
    expect(await second.end()).toBe(111);
    expect(second.log).toBe('alert: cannot start: qmail-send is already running\n');
  });

  test('one byte in the trigger, and todo is looked at', async () => {
    const send = start();
    await send.logged('status:');
    host.queued(MESSAGE, `${ENVELOPE}Tann@mail.test\0`);
    writeFileSync(`${host.home}/queue/lock/trigger`, '\0', { flag: 'a' });
    await empty();
    expect(send.local.commands.length).toBe(1);
  });
});
