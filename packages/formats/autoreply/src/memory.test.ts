import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MEMORY_FILE_MAX, REMEMBERED_MAX } from './limits.ts';
import { oncePerSender } from './memory.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'memory-'));
  path = join(dir, 'sent');
});
afterEach(() => rmSync(dir, { recursive: true }));

let replies = 0;
const once = (sender: string, now: number, reply = async () => void replies++) =>
  oncePerSender(sender, { path, seconds: 100, now }, reply);
const file = () => readFileSync(path, 'latin1');

test('a sender gets one reply within the time, whatever the case, and another after it', async () => {
  replies = 0;
  expect(await once('Ann@x.test', 1000)).toBeUndefined();
  expect(await once('ann@X.test', 1099)).toBe('the sender has had a reply');
  expect(await once('b\xe9n@x.test', 1099)).toBeUndefined();
  expect(file()).toBe('1000 ann@x.test\n1099 b\xe9n@x.test\n');
  expect(await once('ann@x.test', 1100)).toBeUndefined();
  expect(file()).toBe('1099 b\xe9n@x.test\n1100 ann@x.test\n');
  expect(replies).toBe(3);
});

test('deliveries at the same time send one reply', async () => {
  replies = 0;
  const reasons = await Promise.all([1, 2, 3].map(() => once('ann@x.test', 1000)));
  expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1);
  expect(replies).toBe(1);
});

test('the sender is on disk before the reply is sent, and forgotten if it cannot be', async () => {
  let seen = '';
  const fails = async () => {
    seen = file();
    throw new Error('disk full');
  };
  await expect(once('ann@x.test', 1000, fails)).rejects.toThrow('disk full');
  expect(seen).toBe('1000 ann@x.test\n');
  expect(file()).toBe('');
  expect(await once('ann@x.test', 1001)).toBeUndefined();
  expect(readdirSync(dir).sort()).toEqual(['sent', 'sent.lock']);
});

test('a damaged line is dropped, and so is one from a far future', async () => {
  writeFileSync(path, 'garbage\n\n9000 late@x.test\n1000 ann@x.test\n1000 half', 'latin1');
  expect(await once('b@x.test', 1001)).toBeUndefined();
  expect(file()).toBe('1000 ann@x.test\n1000 half\n1001 b@x.test\n');
});

test('when it is full nobody gets a reply, until records are old', async () => {
  const records = Array.from({ length: REMEMBERED_MAX }, (_, i) => `1000 a${i}@x.test\n`);
  writeFileSync(path, records.join(''));
  expect(await once('ann@x.test', 1001)).toBe('too many senders are remembered');
  expect(await once('ann@x.test', 1100)).toBeUndefined();
  expect(file()).toBe('1100 ann@x.test\n');
  writeFileSync(path, Buffer.alloc(MEMORY_FILE_MAX + 1, 'x'));
  expect(await once('ben@x.test', 1100)).toBe('too many senders are remembered');
});
