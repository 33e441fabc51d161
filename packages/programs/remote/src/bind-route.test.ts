import { parseColonMap } from '@q/control';
import { Temporary } from '@q/fault';
import { expect, test } from 'vitest';
import { bindAddressesFor, bindAddressTowards } from './bind-route.ts';

const bindroutes = parseColonMap([
  'example.com:192.0.2.7',
  '.example.com:[192.0.2.8], [IPv6:2001:db8::8]',
  'six.example:2001:db8::6',
  'none.example:',
  ':192.0.2.1',
]);

test.each([
  ['example.com', '192.0.2.7', undefined],
  ['a.example.com', '192.0.2.8', '2001:db8::8'],
  ['six.example', undefined, '2001:db8::6'],
  ['none.example', undefined, undefined],
  ['else.where', '192.0.2.1', undefined],
])('mail for %s goes out from %s or %s', (domain, ipv4, ipv6) => {
  const bind = bindAddressesFor(domain, bindroutes);
  expect(bind).toEqual({ ipv4, ipv6 });
  expect(bindAddressTowards('198.51.100.1', bind)).toBe(ipv4);
  expect(bindAddressTowards('2001:db8::ffff', bind)).toBe(ipv6);
});

test('what is no address, or two of a family, holds the mail', () => {
  for (const value of ['mail.example', '1.2.3', '192.0.2.1,192.0.2.2', '192.0.2.1,', '::1,::2'])
    expect(() => bindAddressesFor('x', parseColonMap([`x:${value}`]))).toThrow(Temporary);
});
