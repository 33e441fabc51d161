import { type Settings, UNLIMITED } from '@q/vmailmgr';
import { expect, test } from 'vitest';
import { limitsOf } from './new-limits.ts';

const NOW = 1_000_000;
const settings = (values: Record<string, number>) =>
  ({ number: (name: string) => values[name] ?? UNLIMITED }) as unknown as Settings;

test('an option counts unless it is 0 or missing; then the setting does', () => {
  const given = { hardquota: '5000000000', softquota: '0', msgsize: '-', expiry: '60' };
  expect(limitsOf(given, settings({ 'default-softquota': 7, 'default-msgsize': 8 }), NOW)).toEqual({
    hardQuota: 5_000_000_000,
    softQuota: 7,
    messageSize: UNLIMITED,
    messageCount: UNLIMITED,
    expiry: NOW + 60,
  });
  expect(limitsOf({}, settings({ 'default-expiry': 30 }), NOW).expiry).toBe(NOW + 30);
  expect(limitsOf({ expiry: '-1' }, settings({ 'default-expiry': 30 }), NOW).expiry).toBe(
    UNLIMITED,
  );
});

test('what is no number is refused', () => {
  for (const bad of ['ten', '1k', '', ' 1', '1e3', '0x10', '99999999999999999999'])
    expect(() => limitsOf({ hardquota: bad }, settings({}), NOW)).toThrow('Invalid number');
});
