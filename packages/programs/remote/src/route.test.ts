import { parseColonMap } from '@q/control';
import { Temporary } from '@q/fault';
import { expect, test } from 'vitest';
import { addressLiteral, routeOf } from './route.ts';

const routes = parseColonMap([
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
  expect(routeOf(domain, routes)).toEqual({ host, port, relayed });
});

test('without routes a domain is its own way, and a bad port is no way', () => {
  expect(routeOf('x.example', undefined)).toEqual({
    host: 'x.example',
    port: 25,
    relayed: false,
  });
  for (const relay of ['a:70000', 'a:0', 'a:b', '[::1]x'])
    expect(() => routeOf('x', parseColonMap([`x:${relay}`]))).toThrow(Temporary);
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
