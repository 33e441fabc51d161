import { expect, test } from 'vitest';
import { endpointText, inheritedEndpoints, parseEndpoint } from './index.ts';

test.each([
  ['127.0.0.1:2525', { kind: 'tcp', host: '127.0.0.1', port: 2525 }],
  ['[::1]:smtp', { kind: 'tcp', host: '::1', port: 25 }],
  ['[fe80::1%eth0]:25', { kind: 'tcp', host: 'fe80::1%eth0', port: 25 }],
  ['localhost:pop-3', { kind: 'tcp', host: 'localhost', port: 110 }],
  ['0:imap', { kind: 'tcp', host: '0.0.0.0', port: 143 }],
  ['h:0', { kind: 'tcp', host: 'h', port: 0 }],
  ['unix:/run/a b:1', { kind: 'unix', path: '/run/a b:1' }],
  ['fd:3', { kind: 'fd', fd: 3 }],
])('%s is an address to listen on', (text, endpoint) => {
  expect(parseEndpoint(text)).toEqual(endpoint);
  expect(parseEndpoint(endpointText(parseEndpoint(text)))).toEqual(endpoint);
});

test.each([
  '',
  '25',
  ':25',
  'h:',
  'h:65536',
  'h:constructor',
  'h:25:26',
  '::1:25',
  'unix:',
  'fd:x',
  'fd:-1',
  'a/b:25',
])('"%s" is not an address to listen on', (text) => {
  expect(() => parseEndpoint(text)).toThrow('not an address to listen on');
});

test("systemd's descriptors are taken only when they are meant for this process", () => {
  expect(inheritedEndpoints({ LISTEN_FDS: '2', LISTEN_PID: '77' }, 77)).toEqual([
    { kind: 'fd', fd: 3 },
    { kind: 'fd', fd: 4 },
  ]);
  expect(inheritedEndpoints({ LISTEN_FDS: '2', LISTEN_PID: '78' }, 77)).toEqual([]);
  expect(inheritedEndpoints({ LISTEN_FDS: 'x' }, 77)).toEqual([]);
  expect(inheritedEndpoints({}, 77)).toEqual([]);
});
