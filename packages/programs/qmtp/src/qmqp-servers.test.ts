import { expect, test } from 'vitest';
import { parseQmqpServer } from './qmqp-servers.ts';

test.each([
  ['192.0.2.1', '192.0.2.1', 628],
  ['192.0.2.1:1628', '192.0.2.1', 1628],
  ['2001:db8::1', '2001:db8::1', 628],
  ['[2001:db8::1]', '2001:db8::1', 628],
  ['[2001:db8::1]:1628', '2001:db8::1', 1628],
])('%s is a server', (line, address, port) => {
  expect(parseQmqpServer(line)).toEqual({ address, port });
});

test.each([
  'mail.example',
  '192.0.2',
  '192.0.2.256',
  '192.0.2.1:',
  '192.0.2.1:0',
  '192.0.2.1:65536',
  '[192.0.2.1]:628',
  '2001:db8::1:x',
  '',
  '[]',
])('"%s" is none: names are not looked up', (line) => {
  expect(parseQmqpServer(line)).toBeUndefined();
});
