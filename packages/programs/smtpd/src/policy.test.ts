import { expect, test } from 'vitest';
import { isBadSender, withLocalName } from './policy.ts';

test('a sender is bad by its address or its domain, whatever the case', () => {
  const bad = new Set(['joe@example.com', '@evil.test']);
  expect(isBadSender('Joe@EXAMPLE.com', bad)).toBe(true);
  expect(isBadSender('x@y@evil.test', bad)).toBe(true);
  expect(isBadSender('x@sub.evil.test', bad)).toBe(false);
  expect(isBadSender('joe', bad)).toBe(false);
  expect(isBadSender('', bad)).toBe(false);
  expect(isBadSender('', new Set(['']))).toBe(true);
});

test('only an IP literal of this very host becomes its name', () => {
  const isLocal = (ip: string) => ip === '192.0.2.1' || ip === '2001:db8::1';
  const named = (address: string) => withLocalName(address, 'here.test', isLocal);
  expect(named('a@[192.0.2.1]')).toBe('a@here.test');
  expect(named('a@b@[192.0.2.1]')).toBe('a@b@here.test');
  expect(named('a@[IPv6:2001:db8::1]')).toBe('a@here.test');
  expect(named('a@[192.0.2.2]')).toBe('a@[192.0.2.2]');
  expect(named('a@192.0.2.1')).toBe('a@192.0.2.1');
  expect(named('a@[192.0.2.1].com')).toBe('a@[192.0.2.1].com');
  expect(named('[192.0.2.1]')).toBe('[192.0.2.1]');
  expect(withLocalName('a@[192.0.2.1]', undefined, isLocal)).toBe('a@[192.0.2.1]');
});
