import { UNLIMITED } from '@q/vmailmgr';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WARNING_SECONDS } from './deliver-limits.ts';
import { afterDelivery, levelOf } from './deliver-warning.ts';

const ROOM = {
  quota: { bytes: 1000, messages: 10 },
  soft: UNLIMITED,
  usage: { bytes: 0, messages: 0 },
};
const level = (bytes: number, messages: number, lines = ['80', '95'], soft = UNLIMITED) =>
  levelOf({ ...ROOM, soft }, { bytes, messages }, lines);

test('the level is the highest percentage that the fuller of size and number has reached', () => {
  expect(level(799, 0)).toBe(0);
  expect(level(800, 0)).toBe(80);
  expect(level(0, 8)).toBe(80);
  expect(level(950, 8)).toBe(95);
  expect(level(5000, 50)).toBe(95);
  expect(level(800, 0, ['95', '10%', '50'])).toBe(50);
  expect(level(1000, 10, ['0', '101', '-5', 'x', '8O', '1e1'])).toBe(0);
  expect(level(1000, 10, [])).toBe(0);
});

test('a soft quota is a percentage of its own', () => {
  expect(level(501, 0, ['80'], 500)).toBe(50);
  expect(level(500, 0, ['80'], 500)).toBe(0);
  expect(level(801, 0, ['80'], 500)).toBe(80);
  expect(level(1, 0, [], 0)).toBe(1);
});

test('without a limit nothing is ever full', () => {
  const room = { ...ROOM, quota: { bytes: UNLIMITED, messages: UNLIMITED } };
  expect(levelOf(room, { bytes: 1e15, messages: 1e9 }, ['1'])).toBe(0);
});

test('a mailbox that goes up and down all day gets one warning for each level', () => {
  let state = { percent: 0, time: 0 };
  let warnings = 0;
  const day = fc.array(fc.constantFrom(0, 80, 95), { maxLength: 200 });
  fc.assert(
    fc.property(day, (levels) => {
      state = { percent: 0, time: 0 };
      warnings = 0;
      for (const [minute, wanted] of levels.entries()) {
        const next = afterDelivery(state, wanted, 1_000_000 + minute * 60);
        if (next.percent > state.percent) warnings++;
        state = next;
      }
      expect(warnings).toBe(
        new Set(levels.filter((wanted, i) => wanted > Math.max(0, ...levels.slice(0, i)))).size,
      );
    }),
  );
});

test('a day after a warning the level follows downwards, and the next crossing warns again', () => {
  const warned = { percent: 80, time: 1000 };
  expect(afterDelivery(warned, 0, 1000 + WARNING_SECONDS - 1)).toBe(warned);
  const low = afterDelivery(warned, 0, 1000 + WARNING_SECONDS);
  expect(low.percent).toBe(0);
  expect(afterDelivery(low, 80, 2000 + WARNING_SECONDS).percent).toBe(80);
});
