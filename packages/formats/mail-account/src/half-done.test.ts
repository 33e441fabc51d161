// Changes of which the last part fails: who is told no finds everything as it was, and who has what he asked for is told so.

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { SPECIAL_USE_MAX } from './limits.ts';
import { makeFolder } from './make-folder.ts';
import { SPECIAL_USE_FILE } from './special-use.ts';
import { namesOf, useMaildir } from './testing/maildir.ts';

/** True: the directory's names cannot be made durable. */
const trouble = vi.hoisted(() => ({ isOn: false }));
vi.mock('@q/fsx', async (importOriginal) => {
  const real = await importOriginal<typeof import('@q/fsx')>();
  return {
    ...real,
    fsyncDir: async (path: string) => {
      if (trouble.isOn && !path.includes('.made'))
        throw Object.assign(new Error(), { code: 'EIO' });
      await real.fsyncDir(path);
    },
  };
});

const maildir = useMaildir();

/** More than is read. */
const tooLong = () => 'x'.repeat(SPECIAL_USE_MAX + 1);

test('a mailbox whose name cannot be made durable is not there, and can be made later', async () => {
  const account = await maildir.open();
  trouble.isOn = true;
  try {
    await expect(account.create('a', [])).rejects.toThrow('unable to make the mailbox');
    await expect(makeFolder(maildir.root, '.b')).rejects.toThrow();
  } finally {
    trouble.isOn = false;
  }
  expect(await namesOf(account)).toEqual(['INBOX']);
  expect(readdirSync(join(maildir.root, 'tmp'))).toEqual([]);
  await account.create('a', []);
});

test('one that would have the access list of another that was is not made', async () => {
  const account = await maildir.open();
  mkdirSync(join(maildir.root, 'courierimaphieracl/a'), { recursive: true });
  await expect(account.create('a', [])).rejects.toThrow('unable to remove an access list');
  expect(await namesOf(account)).toEqual(['INBOX']);
  rmSync(join(maildir.root, 'courierimaphieracl/a'), { recursive: true });
  await account.create('a', []);
});

test('a mailbox whose special use cannot be taken from it is not removed', async () => {
  maildir.makeFolder('.a');
  maildir.put('.a/cur/1.a:2,');
  const account = await maildir.open();
  writeFileSync(join(maildir.root, SPECIAL_USE_FILE), tooLong());
  await expect(account.remove('a')).rejects.toThrow();
  expect(existsSync(join(maildir.root, '.a/cur/1.a:2,'))).toBe(true);
  rmSync(join(maildir.root, SPECIAL_USE_FILE));
  await account.remove('a');
  expect(existsSync(join(maildir.root, '.a'))).toBe(false);
});

test('a mailbox is removed although it cannot be counted what was in it', async () => {
  maildir.makeFolder('.a');
  rmSync(join(maildir.root, '.a/new'), { recursive: true });
  writeFileSync(join(maildir.root, '.a/new'), '');
  const account = await maildir.open({ quota: '10000S' });
  await account.remove('a');
  expect(existsSync(join(maildir.root, '.a'))).toBe(false);
  expect(readdirSync(join(maildir.root, 'tmp'))).toEqual([]);
});
