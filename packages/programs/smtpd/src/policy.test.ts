import { expect, test } from 'vitest';
import { isBadSender, isForUs, withLocalName } from './policy.ts';

test('a sender is bad by its address or its domain, whatever the case', () => {
  const bad = new Set(['joe@example.com', '@evil.test']);
  expect(isBadSender('Joe@EXAMPLE.com', bad)).toBe(true);
  expect(isBadSender('x@y@evil.test', bad)).toBe(true);
  expect(isBadSender('x@sub.evil.test', bad)).toBe(false);
  expect(isBadSender('joe', bad)).toBe(false);
  expect(isBadSender('', bad)).toBe(false);
  expect(isBadSender('', new Set(['']))).toBe(true);
});

test('a recipient is ours by its domain, or a suffix of it that begins with a dot', () => {
  const hosts = new Set(['example.org', '.wild.test']);
  const none = () => false;
  const asked: string[] = [];
  const inCdb = (key: string) => {
    asked.push(key);
    return key === '.more.test';
  };
  expect(isForUs('x@EXAMPLE.org', hosts, none)).toBe(true);
  expect(isForUs('x@a.example.org', hosts, none)).toBe(false);
  expect(isForUs('x@a.b.wild.test', hosts, none)).toBe(true);
  expect(isForUs('x@wild.test', hosts, none)).toBe(false);
  expect(isForUs('local', hosts, none)).toBe(true);
  expect(isForUs('x@', hosts, none)).toBe(false);
  expect(isForUs('x@A.more.test', hosts, inCdb)).toBe(true);
  expect(asked).toEqual(['a.more.test', '.more.test']);
  expect(isForUs('x@anything', undefined, none)).toBe(true);
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
