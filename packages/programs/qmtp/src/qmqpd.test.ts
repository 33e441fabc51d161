import { tmpdir } from 'node:os';
import { type FakeQueue, fakeQueue } from '@q/queue-socket/testing';
import { beforeEach, expect, test } from 'vitest';
import { qmqpSession } from './qmqpd.ts';
import { hosted } from './server-main.ts';
import { netstring, talking } from './testing/talking.ts';

const PEER = { remoteIp: '192.0.2.7', remoteHost: 'mini.test', localIp: '192.0.2.1', env: {} };
const OK = netstring('Kok 1000 qp 77');
const BAD = netstring("Dsorry, I can't accept addresses like that (#5.1.3)");

let queue: FakeQueue;
beforeEach(() => {
  queue = fakeQueue();
});

function request(content: string, ...addresses: string[]): string {
  return netstring(netstring(content) + addresses.map(netstring).join(''));
}

async function serve(text: string, step?: number) {
  const client = talking(text, step);
  const services = { home: tmpdir(), queue, now: () => 1000 };
  const code = await hosted(qmqpSession, services, () => {})(client.conn, PEER);
  return { code, said: await client.heard() };
}

test('a request is queued under its Received line and answered once, cut anywhere', async () => {
  const text = request('\r\nhello\n', 'a@b', 'c@d', 'e@f');
  for (const step of [1, 3, 1000]) {
    queue = fakeQueue();
    expect(await serve(text, step)).toEqual({ code: 0, said: OK });
    expect(queue.queued).toEqual([
      {
        message:
          'Received: from mini.test (192.0.2.7)\n' +
          '  by 192.0.2.1 with QMQP; 1 Jan 1970 00:16:40 -0000\n\r\nhello\n',
        envelope: ['a@b', 'c@d', 'e@f'],
      },
    ]);
  }
});

test('an address of 1000 bytes or with a NUL spoils the request, wherever it stands', async () => {
  for (const bad of ['x'.repeat(1000), 'a\0b', 'x'.repeat(500_000)]) {
    expect(await serve(request('x', bad, 'c@d'))).toEqual({ code: 0, said: BAD });
    expect(await serve(request('x', 'a@b', 'c@d', bad, 'e@f'))).toEqual({ code: 0, said: BAD });
  }
  expect(queue.queued).toEqual([]);
  expect((await serve(request('x', 'x'.repeat(999), 'y'.repeat(999)))).said).toBe(OK);
});

test("the queue's refusal is the answer", async () => {
  queue.result = { code: 53, text: 'Zqq write error or disk full (#4.3.0)' };
  expect((await serve(request('x', 'a@b', 'c@d'))).said).toBe(
    netstring('Zqq write error or disk full (#4.3.0)'),
  );
});

test('a hundred thousand recipients are one message', async () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `user${i}@example.test`);
  expect((await serve(request('x', 'a@b', ...many), 65_536)).said).toBe(OK);
  expect(queue.queued[0]?.envelope).toHaveLength(100_001);
});

test('a looping message is refused', async () => {
  const hops = 'Delivered-To: x\n'.repeat(100);
  expect((await serve(request(hops, 'a@b', 'c@d'))).said).toMatch(/^48:Dtoo many hops/);
});

test.each([
  ['no sender', netstring(netstring('x'))],
  ['nothing inside', '0:,'],
  ['a field that reaches beyond the request', '8:1:x,9:ab,'],
  ['bytes behind the last field', netstring(`${netstring('x')}${netstring('a')}z`)],
  ['no comma at the end', request('x', 'a@b', 'c@d').replace(/,$/, ';')],
  ['a length with a zero in front', `0${request('x', 'a@b')}`],
  ['HTTP', 'GET / HTTP/1.0\r\n\r\n'],
])('%s ends the connection with 100, and nothing is queued', async (_, text) => {
  expect(await serve(text)).toEqual({ code: 100, said: '' });
  expect(queue.queued).toEqual([]);
});

test('a request beyond 200000000 bytes is 111, one that breaks off 0, and neither is queued', async () => {
  expect(await serve('200000001:1:')).toEqual({ code: 111, said: '' });
  const whole = request('x', 'a@b', 'c@d');
  for (let end = 0; end < whole.length; end++)
    expect(await serve(whole.slice(0, end))).toEqual({ code: 0, said: '' });
  expect(queue.queued).toEqual([]);
});
