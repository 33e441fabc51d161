import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearTimeouts, openTimeouts } from './tcpto.ts';

let dir: string;
let path: string;
let now: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tcpto-'));
  path = join(dir, 'tcpto');
  now = 1_000_000;
  writeFileSync(path, Buffer.alloc(1024));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** With a pid whose patience is 60 * 64 seconds. */
const table = (pid = 32) => openTimeouts(path, () => now, pid);
const record = (index: number) => readFileSync(path).subarray(index * 16, index * 16 + 16);

test('a host is passed over after its second timeout, for an hour and more', async () => {
  const timeouts = table();
  await timeouts.note('192.0.2.1', true);
  expect(await timeouts.skips('192.0.2.1')).toBe(false);
  now += 120;
  await timeouts.note('192.0.2.1', true);
  expect(await timeouts.skips('192.0.2.1')).toBe(true);
  expect(await timeouts.skips('192.0.2.2')).toBe(false);
  now += 3839;
  expect(await timeouts.skips('192.0.2.1')).toBe(true);
  expect(await table(31).skips('192.0.2.1')).toBe(true);
  now += 1;
  expect(await timeouts.skips('192.0.2.1')).toBe(false);
  expect(await table(31).skips('192.0.2.1')).toBe(true);
});

test('a record is address, count and time, little-endian', async () => {
  await table().note('192.0.2.1', true);
  expect(record(0).toString('hex')).toBe('c00002010100000040420f0000000000');
});

test('two timeouts at nearly the same time are one', async () => {
  await table().note('192.0.2.1', true);
  now += 119;
  await table().note('192.0.2.1', true);
  expect(record(0)[4]).toBe(1);
});

test('the count stops at ten, and any other outcome sets it to nothing', async () => {
  for (let i = 0; i < 12; i++, now += 200) await table().note('192.0.2.1', true);
  expect(record(0)[4]).toBe(10);
  await table().note('192.0.2.1', false);
  expect(record(0)[4]).toBe(0);
  expect(await table().skips('192.0.2.1')).toBe(false);
});

test('a host that answers is not taken in', async () => {
  await table().note('192.0.2.1', false);
  expect(readFileSync(path)).toEqual(Buffer.alloc(1024));
});

test('a full table gives up the oldest record, with a bonus for each timeout', async () => {
  for (let i = 0; i < 64; i++, now++) await table().note(`192.0.2.${i}`, true);
  now += 200;
  await table().note('192.0.2.0', true);
  await table().note('198.51.100.1', true);
  expect([...record(1).subarray(0, 4)]).toEqual([198, 51, 100, 1]);
  expect([...record(0).subarray(0, 4)]).toEqual([192, 0, 2, 0]);
});

test('IPv6 hosts, a missing table and a short one cause no trouble', async () => {
  await table().note('2001:db8::1', true);
  expect(readFileSync(path)).toEqual(Buffer.alloc(1024));
  writeFileSync(path, Buffer.alloc(20));
  await table().note('192.0.2.1', true);
  await table().note('192.0.2.2', true);
  expect(readFileSync(path).length).toBe(20);
  rmSync(path);
  await table().note('192.0.2.1', true);
  expect(await table().skips('192.0.2.1')).toBe(false);
});

test('clearing forgets everything', async () => {
  for (let i = 0; i < 3; i++) await table().note(`192.0.2.${i}`, true);
  await clearTimeouts(path);
  expect(readFileSync(path)).toEqual(Buffer.alloc(1024));
});

test('many processes at once lose nothing', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, i) => table(i).note(`192.0.2.${i}`, true)));
  const seen = new Set(Array.from({ length: 40 }, (_, i) => record(i)[3]));
  expect(seen.size).toBe(40);
});
