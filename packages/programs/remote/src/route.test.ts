import { parseColonMap } from '@q/control';
import { Temporary } from '@q/fault';
import { expect, test } from 'vitest';
import { addressLiteral, routeOf } from './route.ts';

const smtproutes = parseColonMap([
  'example.com:relay.example',
  '.example.com:[192.0.2.1]:2525',
  'v6.example:[2001:db8::1]:587',
  'six.example:[IPv6:::1]',
  'raw.example:2001:db8::1',
  'mx.example:',
  ':smart.example:26',
]);

test.each([
  ['example.com', 'relay.example', 25, true],
  ['EXAMPLE.com', 'relay.example', 25, true],
  ['a.b.example.com', '[192.0.2.1]', 2525, true],
  ['v6.example', '[2001:db8::1]', 587, true],
  ['six.example', '[IPv6:::1]', 25, true],
  ['raw.example', '2001:db8::1', 25, true],
  ['mx.example', 'mx.example', 25, false],
  ['else.where', 'smart.example', 26, true],
  ['', 'smart.example', 26, true],
])('mail for %j goes to %s port %i', (domain, host, port, relayed) => {
  const routes = { smtproutes, qmtproutes: undefined };
  expect(routeOf(domain, routes)).toMatchObject({ protocol: 'smtp', host, port, relayed });
});

test('without routes a domain is its own way, and a bad port is no way', () => {
  const none = { smtproutes: undefined, qmtproutes: undefined };
  expect(routeOf('x.example', none)).toEqual({
    protocol: 'smtp',
    host: 'x.example',
    port: 25,
    relayed: false,
    forAll: false,
  });
  for (const relay of ['a:70000', 'a:0', 'a:b', '[::1]x']) {
    const bad = parseColonMap([`x:${relay}`]);
    expect(() => routeOf('x', { ...none, smtproutes: bad })).toThrow(Temporary);
    expect(() => routeOf('x', { ...none, qmtproutes: bad })).toThrow(Temporary);
  }
});

test('only the relay of every other domain is the one for all', () => {
  const routes = { smtproutes, qmtproutes: undefined };
  expect(routeOf('else.where', routes).forAll).toBe(true);
  expect(routeOf('example.com', routes).forAll).toBe(false);
});

test.each([
  ['q.example', 'qmtp', 'relay.q', 209],
  ['ported.example', 'qmtp', '[::1]', 2009],
  ['example.com', 'smtp', 'relay.example', 25],
  ['by.port', 'qmtp', 'old.example', 209],
])('with qmtproutes mail for %s goes by %s to %s port %i', (domain, protocol, host, port) => {
  const qmtproutes = parseColonMap([
    'q.example:relay.q',
    'ported.example:[::1]:2009',
    'example.com:',
  ]);
  const smtp = parseColonMap(['example.com:relay.example', 'by.port:old.example:209']);
  expect(routeOf(domain, { smtproutes: smtp, qmtproutes })).toMatchObject({
    protocol,
    host,
    port,
    relayed: true,
  });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['[192.0.2.1]', '192.0.2.1'],
  ['[IPv6:2001:db8::1]', '2001:db8::1'],
  ['[ipv6:::1]', '::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['mx.example', undefined],
  ['[mx.example]', undefined],
  ['[192.0.2.256]', undefined],
  ['192.0.2', undefined],
])('the literal %s is the address %s', (host, address) => {
  expect(addressLiteral(host)).toBe(address);
});
