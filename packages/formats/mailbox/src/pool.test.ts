import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FolderPool } from './index.ts';
import { makeTestMaildir, testMaildir } from './testing/maildir.ts';

function setUp(warm = {}) {
  const { dir } = makeTestMaildir();
  const pool = new FolderPool(warm);
  return { dir, pool, open: (at = dir) => pool.open(at, { root: dir }) };
}

test('a folder is one object for all who have it open, also while it is being opened', async () => {
  const { open, pool } = setUp();
  const [one, two] = await Promise.all([open(), open()]);
  expect(two).toBe(one);
  pool.release(one);
  expect(await open()).toBe(one);
});

test('a released folder is kept for the next, but only so many', async () => {
  const { dir, open, pool } = setUp({ folders: 1 });
  const other = testMaildir(`${dir}/.Other`).dir;
  const first = await open();
  const second = await open(other);
  pool.release(first);
  expect(await open()).toBe(first);
  pool.release(first);
  pool.release(second);
  expect(await open(other)).toBe(second);
  expect(await open()).not.toBe(first);
});

test('what is no Maildir does not exist', async () => {
  const { dir, open } = setUp();
  mkdirSync(`${dir}/.NoFolder/cur`, { recursive: true });
  for (const name of ['.NoFolder', '.Missing', 'tmp/x', 'x'.repeat(300)])
    await expect(open(`${dir}/${name}`)).rejects.toMatchObject({ code: 'NONEXISTENT' });
});

test('a folder that was removed is no more for those who have it open, and a new one is another', async () => {
  const { dir, open } = setUp();
  const path = testMaildir(`${dir}/.Sub`).dir;
  const old = await open(path);
  rmSync(path, { recursive: true });
  await expect(old.refresh({ takeNew: true })).rejects.toMatchObject({ code: 'NONEXISTENT' });
  await expect(old.spool()).rejects.toMatchObject({ code: 'NONEXISTENT' });
  await expect(open(path)).rejects.toMatchObject({ code: 'NONEXISTENT' });
  testMaildir(path).put('cur/1.a:2,');
  const fresh = await open(path);
  expect(fresh).not.toBe(old);
  expect(fresh.messages).toHaveLength(1);
});

test('a renamed folder is the same for those who have it open, with the same id', async () => {
  const { dir, open, pool } = setUp();
  const path = testMaildir(`${dir}/.Old`).dir;
  const folder = await open(path);
  const { mailboxId } = folder;
  renameSync(path, join(dir, '.New'));
  pool.moved(path, `${dir}/.New`);
  const spool = await folder.spool();
  await spool.write(Buffer.from('x'));
  await folder.deliver([{ spool, flags: 0, keywords: [], time: undefined }]);
  expect(await open(`${dir}/.New`)).toBe(folder);
  pool.forget(`${dir}/.New`);
  expect(await open(`${dir}/.New`)).toMatchObject({ mailboxId, uidNext: 2 });
  expect(mailboxId).toMatch(/^[0-9a-z]+-[0-9a-z]+$/);
});
