import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FORGOTTEN, GROWN_MIN, QUIET } from './limits.ts';
import { Rest } from './rest.ts';

const MB = 1024 * 1024;

/** Bytes of the process, and what a collection leaves of them. */
let size: number;
let left: number;
let collected: number;
let rest: Rest;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  [size, left, collected] = [40 * MB, 30 * MB, 0];
  rest = new Rest({
    size: () => size,
    collect: async () => {
      collected++;
      size = left;
    },
  });
});
afterEach(() => vi.useRealTimers());

test('a process that has had work collects once it is quiet, and again when caches have forgotten', async () => {
  await vi.advanceTimersByTimeAsync(10 * QUIET);
  expect(collected).toBe(0);
  rest.stir();
  await vi.advanceTimersByTimeAsync(QUIET - 1);
  expect(collected).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(collected).toBe(1);
  expect(size).toBe(left);
  await vi.advanceTimersByTimeAsync(FORGOTTEN);
  expect(collected).toBe(2);
  await vi.advanceTimersByTimeAsync(10 * FORGOTTEN);
  expect(collected).toBe(2);
});

test('work that goes on is not disturbed', async () => {
  for (let i = 0; i < 20; i++) {
    rest.stir();
    size += MB;
    await vi.advanceTimersByTimeAsync(QUIET / 2);
  }
  expect(collected).toBe(0);
  await vi.advanceTimersByTimeAsync(2 * QUIET);
  expect(collected).toBe(1);
});

test('work between the two looks begins anew', async () => {
  rest.stir();
  await vi.advanceTimersByTimeAsync(QUIET);
  size += 2 * GROWN_MIN;
  rest.stir();
  await vi.advanceTimersByTimeAsync(QUIET);
  expect(collected).toBe(2);
  await vi.advanceTimersByTimeAsync(FORGOTTEN);
  expect(collected).toBe(3);
});

test('work that left nothing behind costs no collection', async () => {
  rest.stir();
  await vi.advanceTimersByTimeAsync(QUIET + FORGOTTEN);
  expect(collected).toBe(2);
  size += GROWN_MIN / 2;
  rest.stir();
  await vi.advanceTimersByTimeAsync(10 * (QUIET + FORGOTTEN));
  expect(collected).toBe(2);
});

test('a large process must have grown by more: what is alive has to be looked through', async () => {
  left = 300 * MB;
  rest.stir();
  await vi.advanceTimersByTimeAsync(QUIET + FORGOTTEN);
  expect(collected).toBe(2);
  size += 2 * GROWN_MIN;
  rest.stir();
  await vi.advanceTimersByTimeAsync(10 * (QUIET + FORGOTTEN));
  expect(collected).toBe(2);
});
