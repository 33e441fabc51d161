import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { ownAddresses } from './own-addresses.ts';

test.each([
  '127.0.0.1',
  '127.8.8.8',
  '0.0.0.0',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '0:0:0:0:0:0:0:1',
])('%s leads back to ourselves', (address) => expect(ownAddresses()(address)).toBe(true));

test('so does each interface, and a stranger does not', () => {
  const isOwn = ownAddresses();
  for (const { address } of Object.values(networkInterfaces()).flatMap((list) => list ?? []))
    expect(isOwn(address)).toBe(true);
  expect(isOwn('192.0.2.77')).toBe(false);
  expect(isOwn('2001:db8::77')).toBe(false);
});
