import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CAREFUL_READS, PacedReader, SLOW_IN_A_ROW, SLOW_READ } from './paced-read.ts';

let dir: string;
let fd: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'paced-read-'));
  writeFileSync(join(dir, 'message'), 'x'.repeat(2 * CAREFUL_READS));
  fd = openSync(join(dir, 'message'), 'r');
});
afterEach(() => {
  closeSync(fd);
  rmSync(dir, { recursive: true });
});

/** A reader for whom each read takes as long as `costs` says, in milliseconds. */
function readerOf(costs: readonly number[]): PacedReader {
  const moments = costs.flatMap((cost, at) => [at * 1000, at * 1000 + cost]);
  return new PacedReader(() => moments.shift() ?? 0);
}

const slow = Array<number>(SLOW_IN_A_ROW).fill(SLOW_READ);

test('a read that took long among quick ones changes nothing', () => {
  const reader = readerOf([SLOW_READ, 0, SLOW_READ, 0]);
  for (let i = 0; i < 4; i++) expect(reader.read(fd, Buffer.alloc(1))).toBe(1);
});

test('what the page cache has is there at once', () => {
  const reader = readerOf([0, 0]);
  expect(reader.read(fd, Buffer.alloc(3))).toBe(3);
  expect(reader.read(fd, Buffer.alloc(3))).toBe(3);
});

test('a position is read from, and leaves the next read where it was', () => {
  writeFileSync(join(dir, 'message'), 'abcdef');
  const reader = readerOf([0, 0]);
  const two = Buffer.alloc(2);
  reader.read(fd, two, 3);
  expect(two.toString()).toBe('de');
  reader.read(fd, two);
  expect(two.toString()).toBe('ab');
});

test('after reads that took long the next ones are left to other threads, and then it is tried again', async () => {
  const reader = readerOf([...slow, 0]);
  const byte = Buffer.alloc(1);
  for (const _ of slow) expect(reader.read(fd, byte)).toBe(1);
  for (let i = 0; i < CAREFUL_READS; i++) {
    const reading = reader.read(fd, byte);
    expect(reading).toBeInstanceOf(Promise);
    expect(await reading).toBe(1);
  }
  expect(reader.read(fd, byte)).toBe(1);
});

test('the end of the file is 0, and a descriptor that cannot be read is an error, either way', async () => {
  const all = Buffer.alloc(1000);
  const reader = readerOf([0, ...slow]);
  reader.read(fd, all);
  for (const _ of slow) expect(reader.read(fd, all)).toBe(0);
  expect(await reader.read(fd, all)).toBe(0);
  await expect(async () => reader.read(-1, all)).rejects.toThrow();
  expect(() => readerOf([]).read(-1, all)).toThrow();
});
