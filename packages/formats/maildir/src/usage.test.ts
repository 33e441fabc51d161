import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deliverToMaildir } from './deliver.ts';
import { SCAN_BATCH } from './limits.ts';
import { makeMaildir } from './make.ts';
import { formatQuota, parseQuota } from './quota.ts';
import { decode } from './size-file.ts';
import { quotaUsage, recordAdded, recordRemoved, setQuota } from './usage.ts';

const NONE = Number.POSITIVE_INFINITY;
const NOTHING = { bytes: 0, messages: 0 };
const ROOM = { bytes: 1000, messages: 10 };

let top: string;
let box: string;
beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'usage-'));
  box = join(top, 'box');
  await makeMaildir(box);
});
afterEach(() => rmSync(top, { recursive: true }));

const file = () => readFileSync(join(box, 'maildirsize'), 'latin1');
const write = (text: string) => writeFileSync(join(box, 'maildirsize'), text);
const put = (name: string, bytes: number) => writeFileSync(join(box, name), 'x'.repeat(bytes));
const usage = async (quota = ROOM, adding = NOTHING) =>
  (await quotaUsage(box, quota, adding))?.usage;

test('a quota text is what Maildir++ allows, and round trips', () => {
  expect(parseQuota('10S,5C')).toEqual({ bytes: 10, messages: 5 });
  expect(parseQuota('5C')).toEqual({ bytes: NONE, messages: 5 });
  expect(parseQuota('0S,0C')).toEqual({ bytes: NONE, messages: NONE });
  for (const text of ['', '5', 'S', '-5S', '5S,6S', '5S,', '5s', '1e9S', '9'.repeat(16), ' 5S'])
    expect(parseQuota(text)).toBeUndefined();
  const limit = fc.oneof(fc.constant(NONE), fc.integer({ min: 1, max: 999_999_999_999_999 }));
  fc.assert(
    fc.property(limit, limit, (bytes, messages) => {
      const text = formatQuota({ bytes, messages });
      expect(text === '' ? { bytes: NONE, messages: NONE } : parseQuota(text)).toEqual({
        bytes,
        messages,
      });
    }),
  );
});

test.each([
  ['', 'no quota, no totals'],
  ['10S\n', 'no totals'],
  ['10S\n          5 1', 'cut off'],
  ['10S\n          5 x\n', 'a letter'],
  ['10S\n\n', 'an empty line'],
  ['10S\n         -5 1\n', 'less than nothing'],
  ['10S\n1234567890123456 1\n', 'too big to count with'],
  [`10S\n${'          1 1\n'.repeat(400)}`.slice(0, 5120), 'too long'],
  ['\0'.repeat(100), 'zeros, as after a power cut'],
])('totals %j are counted anew: %s', (text) => {
  expect(decode(text).usage).toBeUndefined();
});

test('whatever is in the file, reading it gives a sensible usage or none', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const { usage } of [decode(text), decode(`5S\n${text}`)])
        if (usage !== undefined) expect(Math.min(usage.bytes, usage.messages)).toBeGreaterThan(-1);
    }),
  );
});

test('a missing file is counted: all folders, but not Trash, not T, sizes from names where there are', async () => {
  put('new/1', 100);
  put('cur/2,S=200:2,S', 1);
  put('cur/3:2,ST', 50);
  for (const folder of ['.A.B', '.Trash', '.broken']) mkdirSync(join(box, folder));
  for (const folder of ['.A.B', '.Trash'])
    await makeMaildir(join(box, `${folder}/x`)).catch(() => {});
  for (const folder of ['.A.B', '.Trash'])
    for (const sub of ['new', 'cur', 'tmp']) mkdirSync(join(box, folder, sub));
  put('.A.B/cur/4:2,', 7);
  put('.Trash/cur/5:2,', 1000);
  expect(await usage()).toEqual({ bytes: 307, messages: 3 });
  expect(file()).toBe('1000S,10C\n        307 3\n');
  expect(readdirSync(join(box, 'tmp'))).toEqual([]);
});

test('then it is believed, whatever is there, and kept by who adds and removes', async () => {
  await usage();
  put('new/1', 100);
  expect(await usage()).toEqual(NOTHING);
  recordAdded(box, 100);
  recordAdded(box, 20);
  expect(await usage()).toEqual({ bytes: 120, messages: 2 });
  recordRemoved(box, [
    { flags: 'S', size: undefined, bytes: 100 },
    { flags: 'ST', size: undefined, bytes: 1 },
    { flags: '', size: 15, bytes: 20 },
  ]);
  recordRemoved(box, []);
  expect(file()).toBe('1000S,10C\n          0 0\n        100 1\n         20 1\n      -115 -2\n');
  expect(await usage()).toEqual({ bytes: 5, messages: 0 });
});

test('without a limit there is no file; a quota that only the file has holds', async () => {
  expect(await quotaUsage(box, undefined, NOTHING)).toBeUndefined();
  expect(await quotaUsage(box, { bytes: NONE, messages: NONE }, NOTHING)).toBeUndefined();
  recordAdded(box, 5);
  expect(() => file()).toThrow('ENOENT');
  await setQuota(box, { bytes: 50, messages: NONE });
  put('new/1', 60);
  expect(await quotaUsage(box, undefined, { bytes: 51, messages: 1 })).toEqual({
    quota: { bytes: 50, messages: NONE },
    usage: NOTHING,
  });
  // Broken totals are counted; the quota stays.
  write('50S\ngarbage');
  expect((await quotaUsage(box, undefined, NOTHING))?.usage).toEqual({ bytes: 60, messages: 1 });
  expect(file()).toBe('50S\n         60 1\n');
});

test('another quota than the file has is written into it', async () => {
  await usage();
  expect(await usage({ bytes: 5, messages: 1 })).toEqual(NOTHING);
  expect(file()).toBe('5S,1C\n          0 0\n');
});

test('what seems too much is counted again, but not for each refused message', async () => {
  put('new/1', 900);
  await usage();
  recordAdded(box, 90_000); // an error, say of a crash
  const adding = { bytes: 50, messages: 1 };
  expect(await usage(ROOM, adding)).toEqual({ bytes: 900, messages: 1 });
  const refused = { bytes: 500, messages: 1 };
  unlinkSync(join(box, 'new/1')); // and nobody told
  expect(await usage(ROOM, refused)).toEqual({ bytes: 900, messages: 1 });
  const old = Date.now() / 1000 - 901;
  utimesSync(join(box, 'maildirsize'), old, old);
  expect(await usage(ROOM, refused)).toEqual(NOTHING);
});

test('the file does not grow without end', async () => {
  await usage();
  put('new/1', 3);
  for (let n = 0; n < 400; n++) recordAdded(box, 1);
  expect(file()).toHaveLength(5120);
  expect(await usage({ bytes: 1000, messages: 10 })).toEqual({ bytes: 3, messages: 1 });
  expect(file()).toBe('1000S,10C\n          3 1\n');
});

test('a message that comes while it is counted makes the count not to be believed', async () => {
  // More than are counted without a pause; the pause has come when the call returns.
  const many = SCAN_BATCH + 1;
  for (let n = 0; n < many; n++) put(`cur/${n}:2,`, 1);
  const counting = usage({ bytes: NONE, messages: 10_000 });
  put('new/late', 3);
  expect((await counting)?.messages).toBe(many);
  expect(decode(file()).usage).toBeUndefined();
  expect(decode(file()).quota).toEqual({ bytes: NONE, messages: 10_000 });
  expect(await usage({ bytes: NONE, messages: 10_000 })).toEqual({
    bytes: many + 3,
    messages: many + 1,
  });
});

test('a link, a directory or a FIFO of that name is neither followed nor waited for', async () => {
  put('new/1', 5);
  const secret = join(top, 'secret');
  writeFileSync(secret, '9S\n          1 1\n');
  symlinkSync(secret, join(box, 'maildirsize'));
  recordAdded(box, 7);
  expect(readFileSync(secret, 'latin1')).toBe('9S\n          1 1\n');
  expect(await usage()).toEqual({ bytes: 5, messages: 1 });
  expect(file()).toBe('1000S,10C\n          5 1\n');
  unlinkSync(join(box, 'maildirsize'));
  mkdirSync(join(box, 'maildirsize'));
  recordAdded(box, 7);
  expect(await usage()).toEqual({ bytes: 5, messages: 1 });
  expect(readdirSync(join(box, 'tmp'))).toEqual([]);
  await expect(setQuota(box, ROOM)).rejects.toThrow('unable to write maildirsize');
});

test('a mailbox whose folder vanishes meanwhile, or that cannot be read, is a fault', async () => {
  renameSync(join(box, 'new'), join(box, 'old'));
  await expect(usage()).rejects.toThrow('unable to scan');
});

test('a delivery can put the size into the name', async () => {
  const { name, bytes } = await deliverToMaildir(box, [Buffer.from('abc'), Buffer.from('de')], {
    sizeInName: true,
  });
  expect(bytes).toBe(5);
  expect(name).toMatch(/^[0-9]+\.[0-9]+[^,]*,S=5$/);
  expect(readdirSync(join(box, 'new'))).toEqual([name]);
  expect(readdirSync(join(box, 'tmp'))).toEqual([]);
});
