import { expect, test } from 'vitest';
import {
  connectionLine,
  endLine,
  endWord,
  failedLine,
  loginLine,
  troubleLine,
} from './log-lines.ts';

const from = { ip: '192.0.2.7', port: 50_082 };

test('lines are Courier’s', () => {
  expect(connectionLine(from)).toBe('Connection, ip=[192.0.2.7], port=[50082]');
  expect(loginLine('joe@example.org', from, true)).toBe(
    'LOGIN, user=joe@example.org, ip=[192.0.2.7], port=[50082], protocol=IMAP, starttls=1',
  );
  expect(troubleLine('joe', { ip: 'unknown', port: undefined }, 'temporary')).toBe(
    'LOGIN TROUBLE, user=joe, ip=[unknown], reason=temporary',
  );
  const traffic = { headers: 1, body: 2, rcvd: 3, sent: 4 };
  expect(endLine(endWord('timeout'), 'joe', from, traffic, 5)).toBe(
    'TIMEOUT, user=joe, ip=[192.0.2.7], port=[50082], headers=1, body=2, rcvd=3, sent=4, time=5',
  );
  expect(endLine(endWord('stop'), 'joe', from, undefined, 5)).toBe(
    'DISCONNECTED, user=joe, ip=[192.0.2.7], port=[50082], unfinished, time=5',
  );
});

test('a name is one field, whatever is in it, and not longer than it may be', () => {
  const line = failedLine('x, ip=[1.2.3.4]"\\\r\n\x9b', from);
  expect(line).toBe(
    'LOGIN FAILED, user=x\\x2c\\x20ip\\x3d\\x5b1.2.3.4\\x5d\\x22\\x5c\\x0d\\x0a\\x9b, ip=[192.0.2.7], port=[50082]',
  );
  expect(failedLine(','.repeat(5000), from).length).toBeLessThan(4 * 256 + 100);
});
