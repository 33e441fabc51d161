import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChannelName, isDying, isqrt, nextAttempt } from './schedule.ts';

/** Ages of the first `count` attempts of a message whose attempts start exactly when they are due. */
function ages(channel: ChannelName, count: number): number[] {
  const birth = 1_700_000_000;
  const seen = [0];
  while (seen.length < count) {
    seen.push(nextAttempt(birth, birth + (seen.at(-1) as number), channel) - birth);
  }
  return seen;
}

test('local attempts come at the ages 0, 100, 400, 900; remote ones at 0, 400, 1600, 3600', () => {
  expect(ages('local', 6)).toEqual([0, 100, 400, 900, 1600, 2500]);
  expect(ages('remote', 6)).toEqual([0, 400, 1600, 3600, 6400, 10000]);
});

test('an attempt that starts late is followed by one later than usual, never by a burst', () => {
  fc.assert(
    fc.property(fc.nat(4_000_000_000), fc.nat(10_000_000), (birth, age) => {
      for (const channel of ['local', 'remote'] as const) {
        const next = nextAttempt(birth, birth + age, channel);
        expect(next).toBeGreaterThan(birth + age);
        expect(nextAttempt(birth, birth + age + 1, channel)).toBeGreaterThanOrEqual(next);
      }
    }),
  );
});

test('a clock set back counts as age 0', () => {
  expect(nextAttempt(1000, 500, 'local')).toBe(1100);
  expect(isqrt(-1)).toBe(0);
});

test('the square root is exact and stays within 16 bits', () => {
  fc.assert(
    fc.property(fc.nat(4_294_836_224), (n) => {
      const root = isqrt(n);
      expect(root * root).toBeLessThanOrEqual(n);
      expect((root + 1) * (root + 1)).toBeGreaterThan(n);
    }),
  );
  expect(isqrt(Number.MAX_SAFE_INTEGER)).toBe(65535);
});

test('a message dies at the first attempt after its lifetime, not at its end', () => {
  expect(isDying(1000, 1000 + 604800, 604800)).toBe(false);
  expect(isDying(1000, 1001 + 604800, 604800)).toBe(true);
});
