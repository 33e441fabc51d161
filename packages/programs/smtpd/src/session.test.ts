import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { textOf } from '@q/bytes';
import { writeCdb } from '@q/cdb';
import { Temporary } from '@q/fault';
import { type FakeQueue, fakeQueue } from '@q/queue-socket/testing';
import { type Conn, connOf } from '@q/session';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Config, type Services, session, smtpSession } from './index.ts';

const CONFIG: Config = {
  greeting: 'mx.test',
  localIpHost: undefined,
  timeout: 1200,
  databytes: 0,
  badMailFrom: new Set(),
  rcptHosts: undefined,
  relayClient: undefined,
  localHost: 'mx.test',
};
const PEER = { remoteIp: '192.0.2.7', env: { MARK: '1' } };

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'smtpd-'));
  mkdirSync(join(home, 'control'));
});
afterEach(() => rmSync(home, { recursive: true }));

interface Client {
  readonly conn: Conn;
  readonly queue: FakeQueue;
  readonly services: Services;
  say(text: string): void;
  hangUp(): void;
  heard(): string;
}

function client(queue = fakeQueue()): Client {
  const input = new PassThrough();
  const output = new PassThrough();
  let heard = '';
  output.on('data', (chunk: Buffer) => {
    heard += textOf(chunk);
  });
  return {
    conn: connOf(input, output),
    queue,
    services: { home, queue, now: () => Date.now() / 1000 },
    say: (text) => void input.write(Buffer.from(text, 'latin1')),
    hangUp: () => void input.end(),
    heard: () => heard,
  };
}

function serve(c: Client, config: Partial<Config> = {}): Promise<number> {
  return session(c.conn, PEER, { ...CONFIG, ...config }, c.services).finally(() => c.conn.close());
}

const ENVELOPE = 'MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n';

test('a message is queued with its Received line, and QUIT is exit code 0', async () => {
  const c = client();
  c.say(`EHLO me\r\n${ENVELOPE}hello\r\n.\r\nQUIT\r\n`);
  expect(await serve(c)).toBe(0);
  expect(c.queue.queued).toEqual([
    {
      message: expect.stringMatching(
        /^Received: from unknown \(HELO me\) \(192\.0\.2\.7\)\n {2}by mx\.test with SMTP; .* -0000\nhello\n$/,
      ),
      envelope: ['a@b', 'x@y'],
    },
  ]);
  expect(c.heard()).toMatch(/\r\n250 ok \d{10} qp 77\r\n221 mx\.test\r\n$/);
  expect(c.queue.env).toEqual({ MARK: '1' });
});

test('nothing is answered with 250 before the queue has said yes', async () => {
  const c = client();
  let consent = () => {};
  const waiting = new Promise<void>((resolve) => {
    consent = resolve;
  });
  c.queue.onWrite = () => waiting;
  const done = serve(c);
  c.say(`${ENVELOPE}hello\r\n.\r\n`);
  await expect.poll(() => c.heard()).toMatch(/354 go ahead\r\n$/);
  consent();
  await expect.poll(() => c.heard()).toMatch(/qp 77\r\n$/);
  c.hangUp();
  expect(await done).toBe(1);
});

test.each([
  ['Dno (#5.0.0)', '554 no (#5.0.0)'],
  ['Znot now (#4.0.0)', '451 not now (#4.0.0)'],
])('a queue that says "%s" is "%s", and the next message has its chance', async (text, reply) => {
  const c = client();
  c.queue.result = { code: 81, text };
  c.say(`${ENVELOPE}.\r\n`);
  const done = serve(c);
  await expect.poll(() => c.heard()).toContain(`354 go ahead\r\n${reply}\r\n`);
  c.queue.result = { code: 0, text: 'K', qp: '1' };
  c.say(`${ENVELOPE}.\r\nQUIT\r\n`);
  expect(await done).toBe(0);
  expect(c.queue.queued.length).toBe(1);
});

test('a queue that cannot be reached is a temporary failure, and the text is not read as commands', async () => {
  const c = client();
  c.queue.open = () => Promise.reject(new Temporary('unable to exec qq (#4.3.0)'));
  c.say(`${ENVELOPE}QUIT\r\n`);
  expect(await serve(c)).toBe(0);
  expect(c.heard()).toContain('250 ok\r\n451 qqt failure (#4.3.0)\r\n221');
});

test('a message that breaks off, or holds a bare LF, is thrown away', async () => {
  const broken = client();
  broken.say(`${ENVELOPE}half`);
  broken.hangUp();
  expect(await serve(broken)).toBe(1);
  const bare = client();
  bare.say(`${ENVELOPE}half\n.\r\nQUIT\r\n`);
  expect(await serve(bare)).toBe(1);
  expect(bare.heard()).toMatch(
    /354 go ahead\r\n451 See https:\/\/cr\.yp\.to\/docs\/smtplf\.html\.\r\n$/,
  );
  for (const { queue } of [broken, bare]) expect([queue.queued, queue.aborted]).toEqual([[], 1]);
});

test('a message over the limit is read to its end without being kept', async () => {
  const c = client();
  let written = 0;
  c.queue.onWrite = (size) => {
    written += size;
  };
  const done = serve(c, { databytes: 100_000 });
  c.say(ENVELOPE);
  for (let i = 0; i < 100; i++) c.say(`${'x'.repeat(9998)}\r\n`);
  c.say('.\r\nQUIT\r\n');
  expect(await done).toBe(0);
  expect(c.heard()).toContain(
    '552 sorry, that message size exceeds my databytes limit (#5.3.4)\r\n221',
  );
  expect(written).toBeLessThanOrEqual(200_000);
  expect(c.queue.aborted).toBe(1);
});

test('a slow queue holds the client up: what waits in memory is bounded', async () => {
  const c = client();
  let go = () => {};
  const slow = new Promise<void>((resolve) => {
    go = resolve;
  });
  c.queue.onWrite = () => slow;
  const input = new PassThrough();
  const conn = connOf(input, new PassThrough().resume());
  const done = session(conn, PEER, CONFIG, c.services);
  input.write(ENVELOPE);
  await new Promise(setImmediate);
  let accepted = 0;
  const chunk = Buffer.alloc(65536, 'x');
  while (input.write(chunk) && accepted < 1000) {
    accepted++;
    await new Promise(setImmediate);
  }
  expect(accepted).toBeLessThan(20);
  go();
  input.end('\r\n.\r\n');
  expect(await done).toBe(1);
  expect(c.queue.queued.length).toBe(1);
});

test('the recipient after the thousandth is put off, the message goes to the others', async () => {
  const c = client();
  c.say(`MAIL FROM:<a@b>\r\n${'RCPT TO:<x@y>\r\n'.repeat(1001)}DATA\r\n.\r\nQUIT\r\n`);
  expect(await serve(c)).toBe(0);
  expect(c.heard()).toContain('250 ok\r\n452 too many recipients (#4.5.3)\r\n354 go ahead\r\n');
  expect(c.queue.queued[0]?.envelope.length).toBe(1001);
});

test('morercpthosts.cdb is asked after rcpthosts', async () => {
  await writeCdb(
    join(home, 'control/morercpthosts.cdb'),
    [[Buffer.from('.more.test'), Buffer.alloc(0)]],
    {
      mode: 0o644,
    },
  );
  const c = client();
  c.say('MAIL FROM:<>\r\nRCPT TO:<x@A.MORE.test>\r\nRCPT TO:<x@more.test>\r\nQUIT\r\n');
  expect(await serve(c, { rcptHosts: new Set(['example.org']) })).toBe(0);
  expect(c.heard()).toContain('250 ok\r\n250 ok\r\n553 sorry');
});

test('a stopping server says so to an idle client', async () => {
  const c = client();
  const done = serve(c);
  await expect.poll(() => c.heard()).toContain('220');
  c.conn.stop(60);
  expect(await done).toBe(1);
  expect(c.heard()).toMatch(/421 service is stopping, try again later \(#4\.3\.2\)\r\n$/);
});

test('what nobody foresaw is a temporary failure for the client and thrown for the log', async () => {
  const c = client();
  c.services.queue.open = async () => ({ failed: false }) as never;
  c.say(`${ENVELOPE}.\r\n`);
  await expect(serve(c)).rejects.toThrow('internal error');
  expect(c.heard()).toMatch(/421 internal error \(#4\.3\.0\)\r\n$/);
});

test('a changed control file counts from the next connection on', async () => {
  writeFileSync(join(home, 'control/me'), 'one.test\n');
  const serveOne = async () => {
    const c = client();
    c.say('QUIT\r\n');
    await smtpSession(c.services, () => {})(c.conn, PEER);
    await c.conn.close();
    return c.heard();
  };
  expect(await serveOne()).toContain('220 one.test');
  writeFileSync(join(home, 'control/smtpgreeting'), 'two.test\n');
  expect(await serveOne()).toContain('220 two.test');
  rmSync(join(home, 'control'), { recursive: true });
  expect(await serveOne()).toBe('421 unable to read controls (#4.3.0)\r\n');
  mkdirSync(join(home, 'control'));
});
