import { PassThrough } from 'node:stream';
import { connOf, Timeout } from '@q/session';
import { LoginThrottle } from '@q/throttle';
import { afterEach, expect, test, vi } from 'vitest';
import { meetClients } from './client.ts';
import { LOGIN_SECONDS } from './limits.ts';
import type { Link } from './link.ts';
import { LocalNames } from './local-names.ts';
import { usualLines } from './log-lines.ts';

afterEach(() => vi.useRealTimers());

test('a client that has not logged in after 180 seconds is sent away, however busily it talks', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const input = new PassThrough();
  const conn = connOf(input, new PassThrough().resume());
  const ends: unknown[] = [];
  let lines = 0;
  const session = meetClients({
    link: {} as Link,
    throttle: new LoginThrottle(),
    names: new LocalNames(),
    log: () => {},
    lines: usualLines,
    nameIn: () => undefined,
    terms: { secure: undefined, requireTls: false, digests: false, external: false },
    greet: () => ({
      next: async () => {
        try {
          for (;;) if ((await conn.readLine(100)) !== undefined) lines++;
        } catch (error) {
          ends.push(error);
        }
        return undefined;
      },
      refuse: () => {},
    }),
  });
  const over = session(conn, { remoteIp: '192.0.2.1', env: {} });
  for (let seconds = 10; seconds < LOGIN_SECONDS; seconds += 10) {
    input.write('NOOP\n');
    await vi.advanceTimersByTimeAsync(10_000);
    // A stream hands on its bytes when it likes.
    while (lines < seconds / 10) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(ends).toEqual([]);
  await vi.advanceTimersByTimeAsync(10_000);
  await over;
  expect(ends).toEqual([expect.any(Timeout)]);
  expect((ends[0] as Timeout).reason).toBe('deadline');
  await conn.close();
});
