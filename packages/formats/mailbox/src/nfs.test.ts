// An NFS client's attribute cache: what stat(2) said of a path once it says again, whatever other hosts do, until open(2) or
// link(2) of that path asks the server.

import type * as Fs from 'node:fs';
import { mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { lockFolder } from './lock.ts';
import { FLAG } from './model.ts';
import { makeTestMaildir, openTest } from './testing/maildir.ts';

const nfs = vi.hoisted(() => ({
  cache: new Map<string, unknown>(),
  /** Milliseconds by which the server's clock is behind ours. */
  behind: 0,
}));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const cached = (stat: unknown) => (path: unknown, options?: { bigint?: boolean }) => {
    const key = `${stat === fs.lstatSync} ${options?.bigint === true} ${path}`;
    if (!nfs.cache.has(key))
      nfs.cache.set(key, (stat as (...args: unknown[]) => unknown)(path, options));
    return nfs.cache.get(key);
  };
  const asked = (path: unknown) => {
    for (const key of nfs.cache.keys()) if (key.endsWith(` ${path}`)) nfs.cache.delete(key);
  };
  const asking =
    (call: unknown, at: number) =>
    (...args: unknown[]) => {
      asked(args[at]);
      return (call as (...args: unknown[]) => unknown)(...args);
    };
  const fstatSync = (...args: Parameters<typeof Fs.fstatSync>) => {
    const stats = fs.fstatSync(...args);
    if (nfs.behind !== 0) stats.mtimeMs = Number(stats.mtimeMs) - nfs.behind;
    return stats;
  };
  return {
    ...fs,
    statfsSync: (path: string) => ({ ...fs.statfsSync(path), type: 0x6969 }),
    statSync: cached(fs.statSync),
    lstatSync: cached(fs.lstatSync),
    openSync: asking(fs.openSync, 0),
    opendirSync: asking(fs.opendirSync, 0),
    linkSync: asking(fs.linkSync, 1),
    fstatSync,
  };
});

beforeEach(() => {
  nfs.cache.clear();
  nfs.behind = 0;
});

/** Makes a directory so old that, unless its time changes, it need not be read again. */
function settle(path: string): void {
  utimesSync(path, 1_700_000_000, 1_700_000_000);
}

const OTHER = '123:another.host';

test('what another host did is seen at once, though stat still tells the old times', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a.host:2,');
  maildir.put('cur/2.b.host:2,');
  for (const sub of ['cur', 'new']) settle(join(maildir.dir, sub));
  using opened = await openTest(maildir);
  const { folder } = opened;
  await folder.refresh({ takeNew: true });
  maildir.rename('cur/1.a.host:2,', 'cur/1.a.host:2,F');
  maildir.remove('cur/2.b.host:2,');
  maildir.put('new/3.c.host');
  await folder.refresh({ takeNew: true });
  expect(folder.messages.map(({ uid, flags }) => ({ uid, flags }))).toEqual([
    { uid: 1, flags: FLAG.flagged },
    { uid: 3, flags: 0 },
  ]);
});

test("another host's keywords are not lost by a change of ours", async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a.host:2,');
  const keywords = join(maildir.dir, 'courierimapkeywords');
  mkdirSync(keywords);
  settle(keywords);
  using opened = await openTest(maildir);
  const { folder } = opened;
  await folder.refresh({ takeNew: true });
  maildir.write('courierimapkeywords/1.a.host', 'theirs\n');
  await folder.refresh({ takeNew: true });
  await folder.store(folder.messages, { change: 'add', flags: 0, keywords: ['ours'] });
  expect(maildir.text('courierimapkeywords/1.a.host')).toBe('ours\ntheirs\n');
});

test("a lock's age is counted by the server's clock", async () => {
  const maildir = makeTestMaildir();
  const lock = join(maildir.dir, 'tmp/courier.lock');
  nfs.behind = 600_000;
  maildir.write('tmp/courier.lock', OTHER);
  const minutesOld = (minutes: number) => {
    const then = (Date.now() - nfs.behind - 60_000 * minutes) / 1000;
    utimesSync(lock, then, then);
    nfs.cache.clear();
  };
  minutesOld(1);
  await expect(lockFolder(maildir.dir, 20)).rejects.toThrow('the mailbox is locked');
  minutesOld(3);
  (await lockFolder(maildir.dir, 60_000)).release();
});
