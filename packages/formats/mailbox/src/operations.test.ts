// What the operations promise beyond the plain case: folder.test.ts.

import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { memoryChangeStore } from './change-store.ts';
import type { ChangeStore, Folder, FolderMessage, KnownState } from './index.ts';
import { FLAG } from './index.ts';
import { CHANGES_KEPT } from './limits.ts';
import { endingOf } from './name.ts';
import { MessageTable, Stored } from './table.ts';
import { makeTestMaildir, openTest, testMaildir } from './testing/maildir.ts';

async function append(folder: Folder, text: string, flags = 0, keywords: readonly string[] = []) {
  const spool = await folder.spool();
  await spool.write(Buffer.from(text));
  const [message] = await folder.deliver([{ spool, flags, keywords, time: undefined }]);
  return message as FolderMessage;
}

test('of several messages all are delivered, or none', async () => {
  const maildir = makeTestMaildir();
  const { folder } = await openTest(maildir);
  const spools = [await folder.spool(), await folder.spool()] as const;
  for (const spool of spools) await spool.write(Buffer.from('x'));
  const news = (keywords: readonly string[]) =>
    spools.map((spool) => ({ spool, flags: 0, keywords, time: undefined }));
  await expect(folder.deliver(news(['not one']))).rejects.toMatchObject({ code: 'LIMIT' });
  expect([maildir.names('cur'), maildir.names('tmp'), folder.messages]).toEqual([[], [], []]);
  const more = [await folder.spool(), await folder.spool()];
  const delivered = await folder.deliver(
    more.map((spool) => ({ spool, flags: 0, keywords: [], time: undefined })),
  );
  expect(delivered.map(({ uid }) => uid)).toEqual([1, 2]);
  expect(folder.takeRecent()).toEqual([1, 2]);
});

test('a delivery whose link fails leaves nothing but a UID that is spent', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  const { folder } = await openTest(maildir);
  const spool = await folder.spool();
  await spool.write(Buffer.from('x'));
  // The spooled file is taken away from under it.
  for (const name of maildir.names('tmp')) unlinkSync(join(maildir.dir, 'tmp', name));
  await expect(
    folder.deliver([{ spool, flags: 0, keywords: [], time: undefined }]),
  ).rejects.toThrow();
  expect(maildir.names('cur')).toEqual(['1.a:2,']);
  expect((await append(folder, 'y')).uid).toBe(3);
  const { folder: other } = await openTest(maildir);
  expect(other.messages.map(({ uid }) => uid)).toEqual([1, 3]);
});

test('a spool can be read while it is written, and thrown away', async () => {
  const maildir = makeTestMaildir();
  const { folder } = await openTest(maildir);
  const spool = await folder.spool();
  await spool.write(Buffer.from('hello '));
  await spool.write(Buffer.alloc(100_000, 'w'));
  const pieces = [];
  for await (const piece of spool.read(4, 70_000)) pieces.push(Buffer.from(piece));
  expect(Buffer.concat(pieces).toString()).toBe(`o ${'w'.repeat(69_994)}`);
  expect(spool.size).toBe(100_006);
  await spool.discard();
  await spool.discard();
  expect(maildir.names('tmp')).toEqual([]);
});

test('no more keywords than a folder may have, and old ones stay usable', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  const { folder } = await openTest(maildir, { keywordsMax: 2 });
  const set = (keywords: string[], change: 'add' | 'remove' = 'add') =>
    folder.store(folder.messages, { change, flags: 0, keywords });
  expect(folder.acceptsKeywords).toBe(true);
  await set(['a', 'b']);
  expect(folder.acceptsKeywords).toBe(false);
  await expect(set(['c'])).rejects.toMatchObject({ code: 'LIMIT' });
  await set(['A']);
  await set(['a'], 'remove');
  await set(['c']);
  expect(folder.keywords).toEqual(['b', 'c']);
  const { folder: source } = await openTest(makeTestMaildir());
  const message = await append(source, 'x', 0, ['b', 'z']);
  const [copied] = await folder.take(source, [message], 'copy');
  expect(copied?.to.keywords).toEqual(['b']);
});

test('names that are no keywords never come near a path', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  const { folder } = await openTest(maildir);
  const set = (name: string) =>
    folder.store(folder.messages, { change: 'add', flags: 0, keywords: [name] });
  for (const name of ['', 'a b', 'a\nb', '\\Seen', 'x'.repeat(300)])
    await expect(set(name)).rejects.toMatchObject({ code: 'LIMIT' });
  await set('../../x');
  expect(folder.keywords).toEqual(['../../x']);
  expect((await openTest(maildir)).folder.keywords).toEqual(['../../x']);
});

test('messages that changed since a mod-sequence are left alone', async () => {
  const maildir = makeTestMaildir();
  for (const name of ['1.a', '2.b', '3.c']) maildir.put(`cur/${name}:2,`);
  const { folder } = await openTest(maildir);
  const [first, second, third] = folder.messages as [FolderMessage, FolderMessage, FolderMessage];
  const since = folder.highestModseq;
  maildir.rename('cur/2.b:2,', 'cur/2.b:2,F');
  maildir.remove('cur/3.c:2,');
  const change = { change: 'add', flags: FLAG.seen, keywords: [] } as const;
  const result = await folder.store([first, second, third], change, since);
  expect(result).toEqual({ stored: [first], modified: [second], gone: [third] });
  expect(first.modseq).toBeGreaterThan(since);
  expect(second.flags).toBe(FLAG.flagged);
  const again = folder.highestModseq;
  expect(await folder.store([first], change)).toMatchObject({ stored: [first] });
  expect(folder.highestModseq).toBe(again);
});

test('a message whose file is where it was is opened at once', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  const { folder } = await openTest(maildir);
  const opened = folder.open(folder.messages[0] as FolderMessage);
  expect(opened).not.toBeInstanceOf(Promise);
  closeSync((await opened)?.fd ?? -1);
});

test('a message is opened under the name another program gave it, and one that is gone is not', async () => {
  const maildir = makeTestMaildir();
  for (const name of ['1.a', '2.b']) maildir.put(`cur/${name}:2,`);
  const { folder } = await openTest(maildir);
  const [first, second] = folder.messages as [FolderMessage, FolderMessage];
  maildir.rename('cur/1.a:2,', 'cur/1.a:2,S');
  maildir.remove('cur/2.b:2,');
  const opened = await folder.open(first);
  expect(opened?.size).toBe(17);
  closeSync(opened?.fd ?? -1);
  expect(first.flags).toBe(FLAG.seen);
  expect(await folder.open(second)).toBeUndefined();
  expect(second.gone).toBe(true);
  expect(folder.find(2)).toBe(second);
  expect(await folder.expunge([second])).toEqual([second]);
});

test('copies and moves find their messages under other names, and leave out those that are gone', async () => {
  const maildir = makeTestMaildir();
  for (const name of ['1.a', '2.b', '3.c']) maildir.put(`cur/${name}:2,`, name);
  const { folder: source } = await openTest(maildir);
  const { folder } = await openTest(makeTestMaildir());
  const all = [...source.messages];
  maildir.rename('cur/1.a:2,', 'cur/1.a:2,S');
  maildir.remove('cur/2.b:2,');
  const copied = await folder.take(source, all, 'copy');
  expect(copied.map(({ from, to }) => [from.uid, to.uid, to.flags])).toEqual([
    [1, 1, FLAG.seen],
    [3, 2, 0],
  ]);
  const moved = await folder.take(source, all, 'move');
  expect(moved.map(({ from }) => from.uid)).toEqual([1, 3]);
  expect(source.messages).toEqual([]);
});

test('messages that move to each other at once come to rest, each in one folder', async () => {
  const maildirs = [makeTestMaildir(), makeTestMaildir()] as const;
  for (const maildir of maildirs)
    for (let number = 0; number < 30; number++) maildir.put(`cur/${number}.x:2,`);
  const [{ folder: one }, { folder: two }] = await Promise.all([
    openTest(maildirs[0]),
    openTest(maildirs[1]),
  ]);
  await Promise.all([one.take(two, two.messages, 'move'), two.take(one, one.messages, 'move')]);
  await Promise.all([one.refresh({ takeNew: true }), two.refresh({ takeNew: true })]);
  expect(one.messages.length + two.messages.length).toBe(60);
  expect(maildirs[0].names('cur').length + maildirs[1].names('cur').length).toBe(60);
});

test('flags and keywords that are to be left behind do not come along', async () => {
  const { folder: source } = await openTest(makeTestMaildir());
  const target = makeTestMaildir();
  const { folder } = await openTest(target);
  const bits = FLAG.seen | FLAG.deleted | FLAG.passed;
  for (const text of ['one', 'two']) await append(source, text, bits, ['work']);
  const without = { flags: FLAG.deleted, keywords: true };
  await folder.take(source, source.messages.slice(0, 1), 'copy', () => {}, without);
  await folder.take(source, source.messages.slice(1), 'move', () => {}, without);
  const { folder: other } = await openTest(target);
  for (const { flags, keywords } of [...folder.messages, ...other.messages])
    expect([flags, keywords]).toEqual([FLAG.seen, []]);
  expect([folder.messages.length, other.messages.length]).toEqual([2, 2]);
});

test('a message moved within its folder has a new UID, and is there once', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,S');
  const { folder } = await openTest(maildir);
  const [moved] = await folder.take(folder, folder.messages, 'move');
  expect([moved?.from.gone, moved?.to.uid]).toEqual([true, 2]);
  await folder.refresh({ takeNew: true });
  expect(folder.messages.map(({ uid }) => uid)).toEqual([2]);
});

test('the quota knows what came and went; messages marked deleted and Trash do not count', async () => {
  const maildir = makeTestMaildir();
  maildir.write('maildirsize', '1000000S\n');
  const total = () => {
    const lines = (maildir.text('maildirsize') ?? '').split('\n').slice(1, -1);
    return lines
      .map((line) => line.trim().split(/ +/).map(Number))
      .reduce(([bytes = 0, count = 0], [b = 0, c = 0]) => [bytes + b, count + c], [0, 0]);
  };
  const { folder } = await openTest(maildir);
  const trash = testMaildir(`${maildir.dir}/.Trash`);
  const { folder: bin } = await openTest(trash, { root: maildir.dir, trash: true });
  const message = await append(folder, '12345');
  await append(folder, '1234567', FLAG.deleted);
  expect(total()).toEqual([5, 1]);
  await folder.store([message], { change: 'add', flags: FLAG.deleted, keywords: [] });
  expect(total()).toEqual([0, 0]);
  await folder.store([message], { change: 'remove', flags: FLAG.deleted, keywords: [] });
  await folder.take(folder, [message], 'copy');
  expect(total()).toEqual([10, 2]);
  await bin.take(folder, [message], 'move');
  await append(bin, 'more');
  expect(total()).toEqual([5, 1]);
  await folder.expunge(folder.messages);
  expect(total()).toEqual([0, 0]);
});

test('mod-sequences are those the store remembers, for what is as it remembers it', async () => {
  const maildir = makeTestMaildir();
  for (const name of ['1.a', '2.b', '3.c']) maildir.put(`cur/${name}:2,`);
  const states: KnownState[] = [
    { uid: 1, flags: 0, keywords: [], modseq: 5 },
    { uid: 2, flags: FLAG.seen, keywords: [], modseq: 6 },
    { uid: 9, flags: 0, keywords: [], modseq: 7 },
  ];
  const noted: unknown[] = [];
  const store: ChangeStore = {
    highest: 8,
    load: () => states,
    note: (changed, gone) => {
      noted.push([changed.map(({ uid }) => uid), gone]);
      return { modseq: 20, kept: new Map([[3, 15]]) };
    },
    goneSince: () => [9, 4, 5],
  };
  const { folder } = await openTest(maildir, { changes: () => store });
  expect(noted).toEqual([[[2, 3], [9]]]);
  expect(folder.messages.map(({ modseq }) => modseq)).toEqual([5, 20, 15]);
  expect(folder.highestModseq).toBe(20);
  expect(folder.vanishedSince(1)).toEqual([
    [4, 5],
    [9, 9],
  ]);
});

test('without a store all that is missing may have vanished, and mod-sequences rise from process to process', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  maildir.put('cur/2.b:2,');
  maildir.write('courierimapuiddb', '1 7 10\n3 1.a\n5 2.b\n');
  const { folder } = await openTest(maildir);
  expect(folder.vanishedSince(1)).toEqual([
    [1, 2],
    [4, 4],
    [6, 9],
  ]);
  const before = folder.highestModseq;
  await folder.store(folder.messages, { change: 'add', flags: FLAG.seen, keywords: [] });
  expect(folder.highestModseq).toBeGreaterThan(before);
  expect(memoryChangeStore(() => 100).note([], [1])).toEqual({ modseq: 101, kept: new Map() });
});

test('changes are told once each, until they are too many', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  const { folder } = await openTest(maildir);
  const [first] = folder.messages as [FolderMessage];
  const before = folder.changeCount;
  expect(folder.changesSince(before)).toEqual([]);
  for (const flags of [FLAG.seen, FLAG.flagged])
    await folder.store([first], { change: 'replace', flags, keywords: [] });
  expect(folder.changesSince(before)).toEqual([first]);
  expect(folder.changesSince(before - 100_000)).toBeUndefined();
});

test('changes that are too many to be told are not kept', () => {
  const table = new MessageTable();
  const messages = Array.from(
    { length: 3 * CHANGES_KEPT },
    (_, n) => new Stored(n + 1, `${n}.x`, endingOf(':2,')),
  );
  table.changed(messages.slice(0, 10));
  expect(table.changesSince(0)).toEqual(messages.slice(0, 10));
  table.changed(messages);
  expect(table.changesSince(0)).toBeUndefined();
  expect(table.changesSince(table.changeCount - 2)).toEqual(messages.slice(-2));
  expect(table.changesSince(table.changeCount)).toEqual([]);
});

test.runIf(existsSync('/dev/shm'))(
  'messages are copied and moved to another file system with everything they have (where there is /dev/shm)',
  async () => {
    const maildir = makeTestMaildir();
    const elsewhere = mkdtempSync('/dev/shm/mailbox-');
    try {
      maildir.put('cur/1.a:2,FS', 'one');
      maildir.put('cur/2.b:2,', 'two');
      const then = 1_000_000_000;
      utimesSync(join(maildir.dir, 'cur/1.a:2,FS'), then, then);
      const { folder: source } = await openTest(maildir);
      const { folder } = await openTest(testMaildir(join(elsewhere, 'Maildir')));
      await folder.take(source, source.messages.slice(0, 1), 'copy');
      await folder.take(source, source.messages, 'move');
      expect(source.messages).toEqual([]);
      expect(maildir.names('cur')).toEqual([]);
      expect(folder.messages.map(({ uid, flags }) => [uid, flags])).toEqual([
        [1, FLAG.flagged | FLAG.seen],
        [2, FLAG.flagged | FLAG.seen],
        [3, 0],
      ]);
      const opened = await folder.open(folder.messages[1] as FolderMessage);
      expect(opened).toMatchObject({ size: 3, time: then * 1000 });
      closeSync(opened?.fd ?? -1);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  },
);

test('a folder nobody may write to is read all the same', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,');
  maildir.put('new/2.b');
  for (const path of ['cur/1.a:2,', 'new/2.b']) chmodSync(join(maildir.dir, path), 0o444);
  for (const sub of ['cur', 'new', 'tmp', '']) chmodSync(join(maildir.dir, sub), 0o555);
  // Root may write everywhere.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) {
    chmodSync(join(maildir.dir, '..'), 0o755);
    process.seteuid?.(65_534);
  }
  try {
    const { folder } = await openTest(maildir);
    await folder.refresh({ takeNew: true });
    expect(folder.messages).toHaveLength(1);
  } finally {
    if (isRoot) process.seteuid?.(0);
    for (const sub of ['', 'cur', 'new', 'tmp']) chmodSync(join(maildir.dir, sub), 0o700);
  }
});

test('what Courier left half done, a file in two places, is two messages and none is lost', async () => {
  const maildir = makeTestMaildir();
  maildir.put('new/1.a', 'one');
  mkdirSync(join(maildir.dir, 'courierimapkeywords'));
  linkSync(join(maildir.dir, 'new/1.a'), join(maildir.dir, 'cur/1.a:2,'));
  const { folder } = await openTest(maildir);
  await folder.refresh({ takeNew: true });
  expect(folder.messages).toHaveLength(2);
  expect(maildir.names('new')).toEqual([]);
});
