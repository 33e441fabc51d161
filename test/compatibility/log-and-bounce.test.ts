// What people and programs read of qmail-send: the log, whole, as qmailanalog's matchup parses it, and the bounces,
// whole, as QSBMF parsers do.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClassicHost } from '../lib/classic-host.ts';
import { until } from '../lib/processes.ts';
import { RecordedSend, type Recording } from '../lib/recorded-send.ts';

const MESSAGE =
  'Received: (qmail 99 invoked by uid 7); 26 Sep 1995 04:46:54 -0000\n' +
  'Subject: caf\xe9\n\nline\n\0\xff no line end';

/** In the place of qmail-queue: keeps message and envelope as PID.mess and PID.env. */
const KEEP =
  'exec 3<&1\ncat >"$QMAILHOME/kept/$$.mess" && cat <&3 >"$QMAILHOME/kept/$$.tmp" &&' +
  ' mv "$QMAILHOME/kept/$$.tmp" "$QMAILHOME/kept/$$.env"\n';

const DATE =
  '\\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d{4} \\d\\d:\\d\\d:\\d\\d -0000';

let host: ClassicHost;
let sends: RecordedSend[];

beforeEach(() => {
  host = new ClassicHost({
    locals: 'mail.test\n',
    virtualdomains: 'virtual.test:vdom\n',
    concurrencylocal: '1\n',
  });
  host.directory('kept');
  sends = [];
});
afterEach(async () => {
  for (const send of sends) await send.kill();
  host.remove();
});

function start(recording: Recording = {}): RecordedSend {
  const QMAILQUEUE = host.script('bin/keep', KEEP);
  const send = new RecordedSend(host, { ...recording, env: { QMAILQUEUE } });
  sends.push(send);
  return send;
}

/** The one message that was queued: its bytes as latin1, its date as DATE. */
function bounced(): { pid: string; message: string; envelope: string } {
  const [name, ...more] = readdirSync(join(host.home, 'kept')).filter((it) => it.endsWith('.env'));
  expect(more).toEqual([]);
  const pid = String(name).replace('.env', '');
  const read = (end: string) => readFileSync(join(host.home, 'kept', pid + end), 'latin1');
  const message = read('.mess').replace(new RegExp(`^Date: ${DATE}\n`), 'Date: DATE\n');
  return { pid, message, envelope: read('.env') };
}

test('the log of a message that reaches one, fails for one and waits for a third', async () => {
  const id = host.queued(
    MESSAGE,
    'u7\0p99\0Fjoe x%\xe9@far.test\0Tann@mail.test\0Teve@virtual.test\0Tbob b@far.test\0',
  );
  const send = start({
    answer: ([, , , to]) => {
      if (to.startsWith('bob')) return undefined;
      return to.startsWith('ann') ? 'Kdid 1+0+0\n' : 'D100% no\tway\n\nat all\n';
    },
  });
  await send.logged('delivery 3: failure');
  await send.logged(/failure.*\nstatus: local 0\/1/);
  send.remote.say('\0Zbusy \x7f\x80\n\0');
  await send.logged(/deferral: .*\nstatus: local 0\/1 remote 0\/20\n/);
  send.child.kill('SIGALRM');
  await until('another try', () => send.remote.commands.length === 2);
  send.remote.say('\0Kfar.test accepted message.\n\0');
  await send.logged('end msg');
  await until('nothing is left', () => host.left().length === 0);
  expect(await send.end('SIGTERM')).toBe(0);
  const lines = send.log.split('\n');
  // The channels begin side by side; each of them keeps its order.
  const local = lines.filter((line) => !/delivery 2|delivery 4|remote bob|^status/.test(line));
  expect(local).toEqual([
    `new msg ${id}`,
    `info msg ${id}: bytes 100 from <joe_x__@far.test> qp 99 uid 7`,
    `starting delivery 1: msg ${id} to local ann@mail.test`,
    'delivery 1: success: did_1+0+0/',
    `starting delivery 3: msg ${id} to local vdom-eve@virtual.test`,
    'delivery 3: failure: 100__no_way//at_all/',
    `bounce msg ${id} qp ${bounced().pid}`,
    `end msg ${id}`,
    '',
  ]);
  expect(lines.filter((line) => /delivery 2|delivery 4/.test(line))).toEqual([
    `starting delivery 2: msg ${id} to remote bob_b@far.test`,
    'delivery 2: deferral: busy___/',
    `starting delivery 4: msg ${id} to remote bob_b@far.test`,
    'delivery 4: success: far.test_accepted_message./',
  ]);
  // A status after the start, and after each beginning and end of a delivery; then the last line.
  const status = /^status: (?:local [01]\/1 remote [01]\/20|exiting)$/;
  expect(lines[0]).toBe('status: local 0/1 remote 0/20');
  lines.forEach((line, i) => {
    if (/delivery/.test(line)) expect(lines[i + 1]).toMatch(status);
  });
  expect(lines.filter((line) => line.startsWith('status')).length).toBe(10);
  expect(lines.slice(-2)).toEqual(['status: exiting', '']);
});

test('a bounce, to the last byte', async () => {
  host.queued(
    MESSAGE,
    'u7\0p99\0Fjo e@far.test\0Tann@mail.test\0Teve@virtual.test\0Tx\ny@mail.test\0',
  );
  const send = start({
    answer: ([, , , to]) => (to.startsWith('ann') ? 'Dno\n\n\nsuch box' : 'DSorry.\n'),
  });
  await until('nothing is left', () => host.left().length === 0);
  await send.end('SIGTERM');
  const { message, envelope } = bounced();
  expect(envelope).toBe('F\0Tjo e@far.test\0\0');
  expect(message).toBe(
    `Date: DATE
From: MAILER-DAEMON@mail.test
To: "jo e"@far.test
Subject: failure notice

Hi. This is the qmail-send program at mail.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ann@mail.test>:
no
//such box

<eve@virtual.test>:
Sorry.

<x_y@mail.test>:
Sorry.

--- Below this line is a copy of the message.

Return-Path: <"jo e"@far.test>
${MESSAGE}`,
  );
});

test('a sender with a line end makes no header line', async () => {
  host.queued('x\n', 'u7\0p99\0Fjo\nBcc: e@far.test\0Tann@mail.test\0');
  const send = start({ answer: () => 'Dno\n' });
  await until('nothing is left', () => host.left().length === 0);
  await send.end('SIGTERM');
  const { message, envelope } = bounced();
  expect(envelope).toBe('F\0Tjo\nBcc: e@far.test\0\0');
  expect(message).toContain('\nTo: "jo\\_Bcc: e"@far.test\nSubject: failure notice\n\n');
  expect(message).toContain('\nReturn-Path: <"jo\\_Bcc: e"@far.test>\n');
});

test('a bounce from control/bouncefrom and bouncehost, to the sender of a list without its mark', async () => {
  host.file('control/bouncefrom', 'no reply\n');
  host.file('control/bouncehost', 'bounces.test\n');
  host.queued('x\n', 'u7\0p99\0Flist-@far.test-@[]\0Tann@mail.test\0');
  const send = start({ answer: () => 'D' });
  await until('nothing is left', () => host.left().length === 0);
  await send.end('SIGTERM');
  const { message, envelope } = bounced();
  expect(envelope).toBe('F\0Tlist-@far.test\0\0');
  expect(message).toContain('\nFrom: "no reply"@bounces.test\nTo: list-@far.test\nSubject');
  expect(message).toContain('\n\nHi. This is the qmail-send program at bounces.test.\n');
  expect(message).toContain('\n\n<ann@mail.test>:\n\n--- Below');
  expect(message).toMatch(/\n\nReturn-Path: <list-@far.test>\nx\n$/);
});

test('a double bounce goes to doublebounceto@doublebouncehost, to the last byte', async () => {
  host.file('control/doublebounceto', 'janitor\n');
  host.file('control/doublebouncehost', 'bounces.test\n');
  const id = host.queued(MESSAGE, 'u7\0p99\0F\0Tjoe@mail.test\0');
  const send = start({ answer: () => 'DNo joe.\n' });
  await until('nothing is left', () => host.left().length === 0);
  await send.end('SIGTERM');
  const { message, envelope, pid } = bounced();
  expect(envelope).toBe('F#@[]\0Tjanitor@bounces.test\0\0');
  expect(message).toBe(
    `Date: DATE
From: MAILER-DAEMON@mail.test
To: janitor@bounces.test
Subject: failure notice

Hi. This is the qmail-send program at mail.test.
I tried to deliver a bounce message to this address, but the bounce bounced!

<joe@mail.test>:
No joe.

--- Below this line is the original bounce.

Return-Path: <>
${MESSAGE}`,
  );
  expect(send.log).toContain(`info msg ${id}: bytes 100 from <> qp 99 uid 7\n`);
  expect(send.log).toContain(`bounce msg ${id} qp ${pid}\nend msg ${id}\n`);
});

test('a triple bounce is discarded, and the log says so', async () => {
  const id = host.queued(MESSAGE, 'u7\0p99\0F#@[]\0Tjanitor@mail.test\0');
  const send = start({ answer: () => 'DNo janitor.\n' });
  await until('nothing is left', () => host.left().length === 0);
  await send.end('SIGTERM');
  expect(send.log).toContain(`triple bounce: discarding bounce/${id}\nend msg ${id}\n`);
  expect(readdirSync(join(host.home, 'kept'))).toEqual([]);
});
