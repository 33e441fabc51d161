import { Permanent, Temporary } from '@q/fault';
import { BrokenOff } from '@q/qmtp';
import { fakeQueue } from '@q/queue-socket/testing';
import { Disconnected, Timeout } from '@q/session';
import { expect, test } from 'vitest';
import { hosted } from './server-main.ts';
import { talking } from './testing/talking.ts';

const services = { home: '/nonexistent', queue: fakeQueue(), now: () => 0 };
const PEER = { remoteIp: '192.0.2.7', env: {} };

/** The exit code and the log of a session that ends with this error. */
async function endedBy(error: unknown): Promise<{ code: number; log: string[] }> {
  const log: string[] = [];
  const session = hosted(
    () => Promise.reject(error),
    services,
    (line) => log.push(line),
  );
  return { code: (await session(talking('').conn, PEER)) as number, log };
}

test('a connection has an hour, busy or silent', async () => {
  let left = 0;
  const session = hosted(
    async (conn) => {
      left = (conn.deadline ?? 0) - Date.now();
      expect(conn.idleTimeout).toBe(3600);
    },
    services,
    () => {},
  );
  expect(await session(talking('').conn, PEER)).toBe(0);
  expect(left).toBeGreaterThan(3_540_000);
  expect(left).toBeLessThanOrEqual(3_600_000);
});

test.each([
  ['the hour is over', new Timeout('deadline'), 111],
  ['the client hung up in the middle', new BrokenOff(), 0],
  ['the client takes no answers', new Disconnected(), 0],
])('when %s, nobody is told: %o is exit code %i', async (_, error, code) => {
  expect(await endedBy(error)).toEqual({ code, log: [] });
});

test('what a client did wrong is 100, trouble of ours 111, and the log names the client', async () => {
  expect(await endedBy(new Permanent('no netstring'))).toEqual({
    code: 100,
    log: ['warning: 192.0.2.7: no netstring'],
  });
  expect((await endedBy(new Temporary('no disk'))).code).toBe(111);
});

test('what nobody foresaw is thrown on as temporary', async () => {
  await expect(endedBy(new TypeError('bug'))).rejects.toBeInstanceOf(Temporary);
});
