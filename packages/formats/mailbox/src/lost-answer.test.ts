// Calls that do their work and report an error all the same, as over NFS when the answer is lost.

import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { Folder } from './index.ts';
import { lockFolder } from './lock.ts';
import { makeTestMaildir, openTest, type TestMaildir, testMaildir } from './testing/maildir.ts';

type Call = 'linkSync' | 'renameSync' | 'unlinkSync';
type PathCall = (...paths: (string | Buffer)[]) => void;

/** The call whose answer is to be lost, the how many-th from now of paths that match; and whether it is done. */
const lost = vi.hoisted(() => ({
  call: '',
  nth: 0,
  path: /^$/,
  error: 'EIO',
  isDone: true,
  isMet: false,
}));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const losing = (call: Call): PathCall => {
    const perform = real[call] as PathCall;
    return (...paths) => {
      const isMet =
        call === lost.call &&
        paths.some((path) => lost.path.test(String(path))) &&
        --lost.nth === 0;
      if (!isMet || lost.isDone) perform(...paths);
      lost.isMet ||= isMet;
      if (isMet) throw Object.assign(new Error(lost.error), { code: lost.error });
    };
  };
  const faulty = {
    linkSync: losing('linkSync'),
    renameSync: losing('renameSync'),
    unlinkSync: losing('unlinkSync'),
  };
  return { ...real, ...faulty, default: { ...real, ...faulty } };
});

function lose(call: Call, nth: number, path: RegExp, error = 'EIO'): void {
  Object.assign(lost, { call, nth, path, error, isDone: true, isMet: false });
}

function refuse(call: Call, nth: number, path: RegExp): void {
  Object.assign(lost, { call, nth, path, error: 'EIO', isDone: false, isMet: false });
}

afterEach(() => lose('linkSync', 0, /^$/));

interface Pair {
  readonly source: Folder;
  readonly target: Folder;
  readonly maildirs: readonly [TestMaildir, TestMaildir];
}

/** A folder with three messages and one with none. */
async function makePair(elsewhere?: string): Promise<Pair> {
  const from = makeTestMaildir();
  const to = elsewhere === undefined ? makeTestMaildir() : testMaildir(elsewhere);
  for (const name of ['a', 'b', 'c']) from.put(`cur/1.${name}:2,`, `${name}\n`);
  const { folder: source } = await openTest(from);
  const { folder: target } = await openTest(to);
  return { source, target, maildirs: [from, to] };
}

async function textsIn({ dir }: TestMaildir): Promise<string[]> {
  const { folder } = await openTest({ dir });
  const texts = [];
  for (const message of folder.messages) {
    const { fd } = (await folder.open(message)) ?? { fd: -1 };
    texts.push(readFileSync(fd, 'latin1').trim());
    closeSync(fd);
  }
  return texts.sort();
}

test.each([1, 2, 3])(
  'link %i of a COPY reports EIO and is made: each is copied once',
  async (nth) => {
    const { source, target, maildirs } = await makePair();
    lose('linkSync', nth, /\/cur\//);
    const taken = await target.take(source, source.messages, 'copy');
    expect([lost.isMet, taken.length]).toEqual([true, 3]);
    expect(target.messages.map(({ uid }) => uid)).toEqual([1, 2, 3]);
    expect(await textsIn(maildirs[0])).toEqual(['a', 'b', 'c']);
    expect(await textsIn(maildirs[1])).toEqual(['a', 'b', 'c']);
  },
);

test.each([
  [1, 'EIO'],
  [3, 'EIO'],
  [2, 'ENOENT'], // what NFS says to a rename that is sent again
])('rename %i of a MOVE reports %s and is made: each is moved', async (nth, error) => {
  const { source, target, maildirs } = await makePair();
  lose('renameSync', nth, /\/cur\//, error);
  const taken = await target.take(source, source.messages, 'move');
  expect([lost.isMet, taken.length]).toEqual([true, 3]);
  expect(source.messages).toEqual([]);
  expect(target.messages.map(({ uid }) => uid)).toEqual([1, 2, 3]);
  expect(await textsIn(maildirs[1])).toEqual(['a', 'b', 'c']);
});

test.each([1, 2])('link %i of an APPEND reports EIO and is made: all came', async (nth) => {
  const maildir = makeTestMaildir();
  const { folder } = await openTest(maildir);
  const spools = [await folder.spool(), await folder.spool()];
  for (const [n, spool] of spools.entries()) await spool.write(Buffer.from(String(n)));
  lose('linkSync', nth, /\/cur\//);
  const messages = spools.map((spool) => ({ spool, flags: 0, keywords: [], time: undefined }));
  expect((await folder.deliver(messages)).map(({ uid }) => uid)).toEqual([1, 2]);
  expect(lost.isMet).toBe(true);
  expect(await textsIn(maildir)).toEqual(['0', '1']);
});

test('a lock whose link reports EIO and is made is ours: nobody waits for it until it is stale', async () => {
  const { dir } = makeTestMaildir();
  lose('linkSync', 1, /courier\.lock$/);
  const lock = await lockFolder(dir);
  expect([lost.isMet, lock.kind]).toEqual([true, 'held']);
  lock.release();
  expect(existsSync(join(dir, 'tmp/courier.lock'))).toBe(false);
});

test.runIf(existsSync('/dev/shm'))(
  'a message that was copied to another file system and cannot be removed stays where it was (where there is /dev/shm)',
  async () => {
    const elsewhere = mkdtempSync('/dev/shm/mailbox-');
    try {
      const { source, target, maildirs } = await makePair(join(elsewhere, 'Maildir'));
      refuse('unlinkSync', 2, /\/1\.[abc]:2,$/);
      const taken = await target.take(source, source.messages, 'move');
      expect([lost.isMet, taken.length]).toEqual([true, 1]);
      expect(await textsIn(maildirs[0])).toEqual(['b', 'c']);
      expect(await textsIn(maildirs[1])).toEqual(['a']);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  },
);

test.runIf(existsSync('/dev/shm'))(
  'one whose removal reports EIO and is made is moved (where there is /dev/shm)',
  async () => {
    const elsewhere = mkdtempSync('/dev/shm/mailbox-');
    try {
      const { source, target, maildirs } = await makePair(join(elsewhere, 'Maildir'));
      lose('unlinkSync', 2, /\/1\.[abc]:2,$/);
      const taken = await target.take(source, source.messages, 'move');
      expect([lost.isMet, taken.length]).toEqual([true, 3]);
      expect(await textsIn(maildirs[0])).toEqual([]);
      expect(await textsIn(maildirs[1])).toEqual(['a', 'b', 'c']);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  },
);
