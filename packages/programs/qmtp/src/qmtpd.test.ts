import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCdb } from '@q/cdb';
import { type FakeQueue, fakeQueue } from '@q/queue-socket/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { qmtpSession } from './qmtpd.ts';
import { hosted } from './server-main.ts';
import { netstring, talking } from './testing/talking.ts';

const PEER = { remoteIp: '192.0.2.7', localHost: 'mx.test' };
const OK = netstring('Kok 1000 qp 77');
const NOT_MINE = netstring("Dsorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)");
const CANNOT = netstring("Dsorry, I can't handle that recipient (#5.1.3)");

let home: string;
let queue: FakeQueue;
let log: string[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'qmtpd-'));
  mkdirSync(join(home, 'control'));
  queue = fakeQueue();
  log = [];
});
afterEach(() => rmSync(home, { recursive: true }));

function control(name: string, text: string): void {
  writeFileSync(join(home, 'control', name), `${text}\n`);
}

/** A QMTP message with its three fields. */
function message(content: string, sender: string, recipients: readonly string[]): string {
  const list = recipients.map(netstring).join('');
  return netstring(content) + netstring(sender) + netstring(list);
}

async function serve(text: string, env: Record<string, string> = {}, step?: number) {
  const client = talking(text, step);
  const services = { home, queue, now: () => 1000 };
  const session = hosted(qmtpSession, services, (line) => log.push(line));
  const code = await session(client.conn, { ...PEER, env });
  return { code, said: await client.heard() };
}

test('a message is queued under its Received line, and each recipient is answered', async () => {
  const { code, said } = await serve(message('\nhello\n', 'a@b', ['c@d', 'e@f']));
  expect(code).toBe(0);
  expect(said).toBe(OK + OK);
  expect(queue.queued).toEqual([
    {
      message:
        'Received: from unknown (192.0.2.7)\n' +
        '  by mx.test with QMTP; 1 Jan 1970 00:16:40 -0000\nhello\n',
      envelope: ['a@b', 'c@d', 'e@f'],
    },
  ]);
});

test('messages follow one another, cut anywhere, and each is answered in its turn', async () => {
  const talk = message('\nfirst', '', ['a@b']) + message('\rsecond\r\nx\r', 's', ['c@d', 'e@f']);
  for (const step of [1, 2, 7, 1000]) {
    queue = fakeQueue();
    expect(await serve(talk, {}, step)).toEqual({ code: 0, said: OK + OK + OK });
    const bodies = queue.queued.map((one) => one.message.split('-0000\n')[1]);
    expect(bodies).toEqual(['first', 'second\nx\r']);
    expect(queue.queued.map((one) => one.envelope)).toEqual([
      ['', 'a@b'],
      ['s', 'c@d', 'e@f'],
    ]);
  }
});

test('rcpthosts and morercpthosts.cdb decide for each recipient, without regard to case', async () => {
  control('rcpthosts', 'Mine.test\n.wild.test');
  await writeCdb(
    join(home, 'control/morercpthosts.cdb'),
    [[Buffer.from('more.test'), Buffer.alloc(0)]],
    {
      mode: 0o644,
    },
  );
  const recipients = ['a@mine.TEST', 'b@other.test', 'c@x.wild.test', 'd@more.test', 'nodomain'];
  const { said } = await serve(message('\nx', 'a@b', recipients));
  expect(said).toBe(OK + NOT_MINE + OK + OK + OK);
  expect(queue.queued[0]?.envelope).toEqual([
    'a@b',
    'a@mine.TEST',
    'c@x.wild.test',
    'd@more.test',
    'nodomain',
  ]);
});

test('RELAYCLIENT lets a client send anywhere and is appended to each recipient', async () => {
  control('rcpthosts', 'mine.test');
  const { said } = await serve(message('\nx', 'a@b', ['c@d']), {
    RELAYCLIENT: '.relay',
    MARK: '1',
  });
  expect(said).toBe(OK);
  expect(queue.queued[0]?.envelope).toEqual(['a@b', 'c@d.relay']);
  expect(queue.env).toMatchObject({ MARK: '1' });
});

test('an address of 1000 bytes, RELAYCLIENT included, or with a NUL, cannot be handled', async () => {
  const fits = `${'x'.repeat(995)}@y.z`;
  const { said } = await serve(message('\nx', 'a@b', [fits, `x${fits}`, 'a\0@b', 'c@d']));
  expect(said).toBe(OK + CANNOT + CANNOT + OK);
  const relayed = await serve(message('\nx', 'a@b', [fits, 'c@d']), { RELAYCLIENT: '!' });
  expect(relayed.said).toBe(CANNOT + OK);
});

test('a sender of 1000 bytes or with a NUL is not acceptable, and nothing is queued', async () => {
  const bad = netstring('Dunacceptable sender (#5.1.7)');
  for (const sender of ['x'.repeat(1000), 'a\0b', 'x'.repeat(1_000_000)]) {
    expect((await serve(message('\nx', sender, ['c@d']))).said).toBe(bad);
  }
  expect(queue.queued).toEqual([]);
  expect(queue.aborted).toBe(3);
  expect((await serve(message('\nx', 'x'.repeat(999), ['c@d']))).said).toBe(OK);
});

test('databytes counts the message as it is queued; the next message is not affected', async () => {
  const tooBig = netstring('Dsorry, that message size exceeds my databytes limit (#5.3.4)');
  control('databytes', '6');
  const talk = ['\nsix456', '\nseven67', '\rsix45\r\n', '\rseven6\r\n'].map((content) =>
    message(content, 'a@b', ['c@d']),
  );
  expect((await serve(talk.join(''))).said).toBe(OK + tooBig + OK + tooBig);
  const forThisClient = await serve(talk.join(''), { DATABYTES: '0' });
  expect(forThisClient.said).toBe(OK + OK + OK + OK);
});

test('a message that has gone in circles is refused', async () => {
  const hops = 'Received: x\n'.repeat(100);
  const { said } = await serve(message(`\n${hops}\nbody`, 'a@b', ['c@d']));
  expect(said).toBe(netstring('Dtoo many hops, this message is looping (#5.4.6)'));
});

test("the queue's refusal is the answer, with a filter's own text", async () => {
  queue.result = { code: 82, text: 'Dno spam here (#5.7.1)' };
  control('rcpthosts', 'd');
  const { said } = await serve(message('\nx', 'a@b', ['c@d', 'e@f']));
  expect(said).toBe(netstring('Dno spam here (#5.7.1)') + NOT_MINE);
});

test('a message for nobody is not queued', async () => {
  control('rcpthosts', 'd');
  const { said } = await serve(message('\nx', 'a@b', []) + message('\nx', 'a@b', ['e@f']));
  expect(said).toBe(NOT_MINE);
  expect(queue.queued).toEqual([]);
});

test('thousands of recipients are taken; those that would cost too much are asked to come again', async () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `user${i}@example.test`);
  expect((await serve(message('\nx', 'a@b', many))).said).toBe(OK.repeat(20_000));
  expect(queue.queued[0]?.envelope).toHaveLength(20_001);
  queue = fakeQueue();
  const flood = Array<string>(100_000).fill('');
  const { said } = await serve(message('\nx', 'a@b', flood));
  const later = netstring('Zsorry, too many recipients in one message (#4.5.3)');
  const taken = (2 * 1024 * 1024) / 32;
  expect(said).toBe(OK.repeat(taken) + later.repeat(100_000 - taken));
});

test.each([
  ['an empty message', '0:,0:,0:,'],
  ['a third kind of line end', message(' x', 'a@b', ['c@d'])],
  ['a length with a zero in front', '02:\nx,3:a@b,6:3:c@d,,'],
  ['no comma after the message', '2:\nx;3:a@b,6:3:c@d,,'],
  ['no comma after a recipient', '2:\nx,3:a@b,6:3:c@d;,'],
  ['a recipient that reaches beyond the list', '2:\nx,3:a@b,6:4:c@d,,'],
  ['SMTP', 'EHLO me\r\nMAIL FROM:<a@b>\r\n'],
  ['NULs', '\0\0\0\0'],
])('%s ends the connection with 100, and nothing is queued', async (_, text) => {
  expect(await serve(text)).toEqual({ code: 100, said: '' });
  expect(queue.queued).toEqual([]);
  expect(log).toHaveLength(1);
});

test('a length beyond 200000000 ends the connection with 111', async () => {
  for (const text of ['200000001:\nx', '99999999999999999999999:', '2:\nx,200000001:'])
    expect(await serve(text)).toEqual({ code: 111, said: '' });
});

test('a client that hangs up in the middle leaves nothing behind, what came before is queued', async () => {
  const whole = message('\nx', 'a@b', ['c@d']);
  for (let end = 0; end < whole.length; end++) {
    queue = fakeQueue();
    expect(await serve(whole + whole.slice(0, end))).toEqual({ code: 0, said: OK });
    expect(queue.queued).toHaveLength(1);
  }
});

test('trouble with the queue or with a control file is 111', async () => {
  mkdirSync(join(home, 'control/rcpthosts'));
  expect((await serve(message('\nx', 'a@b', ['c@d']))).code).toBe(111);
  expect(log[0]).toMatch(/unable to read control\/rcpthosts/);
  rmSync(join(home, 'control/rcpthosts'), { recursive: true });
  control('rcpthosts', 'x');
  writeFileSync(join(home, 'control/morercpthosts.cdb'), 'no cdb');
  expect((await serve(message('\nx', 'a@b', ['c@d']))).code).toBe(111);
});
