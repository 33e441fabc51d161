import { spawnSync } from 'node:child_process';
import { utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockFolder } from './lock.ts';
import { makeTestMaildir, openTest } from './testing/maildir.ts';

const LOCK = 'tmp/courier.lock';

test('the lock is a file that says whose it is, and is gone when it is released', async () => {
  const maildir = makeTestMaildir();
  const lock = await lockFolder(maildir.dir);
  expect(maildir.text(LOCK)).toBe(`${process.pid}:${hostname()}`);
  await expect(lockFolder(maildir.dir, 10)).rejects.toThrow('the mailbox is locked');
  lock.release();
  expect(maildir.names('tmp')).toEqual([]);
  (await lockFolder(maildir.dir, 10)).release();
});

test('the lock of a process that is no more is taken away; that of one that lives is waited for', async () => {
  const maildir = makeTestMaildir();
  const { pid } = spawnSync(process.execPath, ['--version']);
  maildir.write(LOCK, `${pid}:${hostname()}`);
  (await lockFolder(maildir.dir, 5000)).release();
  maildir.write(LOCK, `${process.ppid}:${hostname()}`);
  const minutesOld = (minutes: number) => {
    const then = Date.now() / 1000 - 60 * minutes;
    utimesSync(join(maildir.dir, LOCK), then, then);
  };
  minutesOld(5);
  await expect(lockFolder(maildir.dir, 50)).rejects.toThrow();
  expect(maildir.text(LOCK)).toBe(`${process.ppid}:${hostname()}`);
  minutesOld(11);
  (await lockFolder(maildir.dir, 5000)).release();
});

test.each(['1:another.host', '', 'garbage', `0:${hostname()}`])(
  'a lock that says %j is stale when it is two minutes old',
  async (text) => {
    const maildir = makeTestMaildir();
    maildir.write(LOCK, text);
    await expect(lockFolder(maildir.dir, 20)).rejects.toThrow();
    const ago = Date.now() / 1000 - 130;
    utimesSync(join(maildir.dir, LOCK), ago, ago);
    (await lockFolder(maildir.dir, 5000)).release();
    expect(maildir.names('tmp')).toEqual([]);
  },
);

test('our own lock of an earlier life is no lock', async () => {
  const maildir = makeTestMaildir();
  maildir.write(LOCK, `${process.pid}:${hostname()}`);
  (await lockFolder(maildir.dir, 5000)).release();
});

test('a folder without locks is opened and changed while somebody has the lock', async () => {
  const maildir = makeTestMaildir();
  const lock = await lockFolder(maildir.dir);
  maildir.put('new/1.a');
  const { folder } = await openTest(maildir, { useLocks: false });
  await folder.refresh({ takeNew: true });
  expect(folder.messages).toHaveLength(1);
  await expect(openTest(maildir, { lockWaitMs: 10 })).rejects.toThrow('the mailbox is locked');
  lock.release();
});
