import { closeSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FLAG, type Folder, type FolderMessage, type OpenMessage } from './index.ts';
import { makeTestMaildir, openTest } from './testing/maildir.ts';

async function append(
  folder: Folder,
  text: string,
  flags = 0,
  keywords: string[] = [],
  time?: number,
) {
  const spool = await folder.spool();
  await spool.write(Buffer.from(text));
  const [message] = await folder.deliver([{ spool, flags, keywords, time }]);
  if (message === undefined) throw new Error('nothing was delivered');
  return message;
}

async function textOf(folder: Folder, uid: number) {
  const message = folder.find(uid);
  const opened = message && (await folder.open(message));
  if (opened === undefined) return undefined;
  const text = readFileSync(opened.fd, 'latin1');
  closeSync(opened.fd);
  return text;
}

test('new mail is taken to cur in the order of its names, and is recent once', async () => {
  const maildir = makeTestMaildir();
  maildir.put('new/1700000000.1.host', 'two');
  maildir.put('new/900000000.2.host', 'one');
  const { folder } = await openTest(maildir);
  expect(folder.messages).toEqual([]);
  await folder.refresh({ takeNew: false });
  expect([folder.recentCount, folder.waiting, folder.messages.length]).toEqual([2, 2, 0]);
  await folder.refresh({ takeNew: true });
  expect(folder.messages.map(({ uid, base }) => [uid, base])).toEqual([
    [1, '900000000.2.host'],
    [2, '1700000000.1.host'],
  ]);
  expect(maildir.names('cur')).toEqual(['1700000000.1.host:2,', '900000000.2.host:2,']);
  expect(folder.recentCount).toBe(2);
  expect(folder.takeRecent()).toEqual([1, 2]);
  expect(folder.takeRecent()).toEqual([]);
  expect(maildir.text('courierimapuiddb')).toBe(
    `1 ${folder.uidValidity} 3\n1 900000000.2.host\n2 1700000000.1.host\n`,
  );
});

test('a message is delivered with flags, keywords and time, and is there for the next process', async () => {
  const maildir = makeTestMaildir();
  const { folder } = await openTest(maildir);
  const message = await append(folder, 'x: y\n\nab\n', FLAG.seen, ['Work'], 1_000_000_000_000);
  expect(message).toMatchObject({ uid: 1, flags: FLAG.seen, keywords: ['Work'], gone: false });
  const [name = ''] = maildir.names('cur');
  expect(name).toMatch(/^\d+\.M\d+P\d+V[0-9A-F]{16}I[0-9A-F]{16}_\d+\.[^,]+,S=9:2,S$/);
  expect(maildir.names('tmp')).toEqual([]);
  const { folder: other } = await openTest(maildir);
  expect(other.messages).toMatchObject([{ uid: 1, flags: FLAG.seen, keywords: ['Work'] }]);
  const opened = await other.open(other.messages[0] as FolderMessage);
  expect(opened).toMatchObject({ size: 9, time: 1_000_000_000_000 });
  closeSync((opened as OpenMessage).fd);
  expect(await textOf(other, 1)).toBe('x: y\n\nab\n');
});

test('flags and keywords are set, added and taken away', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,P');
  const { folder } = await openTest(maildir);
  const { folder: other } = await openTest(maildir);
  const all = folder.messages;
  await folder.store(all, {
    change: 'replace',
    flags: FLAG.seen | FLAG.deleted,
    keywords: ['b', 'A'],
  });
  expect(maildir.names('cur')).toEqual(['1.a:2,PST']);
  expect(all[0]).toMatchObject({ keywords: ['A', 'b'] });
  await folder.store(all, { change: 'remove', flags: FLAG.seen, keywords: ['a'] });
  await folder.store(all, { change: 'add', flags: FLAG.flagged, keywords: ['c'] });
  expect(maildir.names('cur')).toEqual(['1.a:2,FPT']);
  await other.refresh({ takeNew: false });
  expect(other.messages).toMatchObject([
    { uid: 1, flags: FLAG.flagged | FLAG.passed | FLAG.deleted, keywords: ['b', 'c'] },
  ]);
});

test('messages are copied and moved with everything they have', async () => {
  const from = makeTestMaildir();
  const to = makeTestMaildir();
  from.put('cur/1.a:2,FS', 'one');
  from.put('cur/2.b:2,', 'two');
  const { folder: source } = await openTest(from);
  const { folder: target } = await openTest(to);
  await source.store(source.messages, { change: 'add', flags: 0, keywords: ['k'] });
  const copied = await target.take(source, source.messages, 'copy');
  expect(copied.map(({ from, to }) => [from.uid, to.uid])).toEqual([
    [1, 1],
    [2, 2],
  ]);
  expect(target.messages).toMatchObject([
    { flags: FLAG.flagged | FLAG.seen, keywords: ['k'] },
    { flags: 0, keywords: ['k'] },
  ]);
  expect(await textOf(target, 2)).toBe('two');
  const first = source.messages[0] as FolderMessage;
  await target.take(source, [first], 'move');
  expect(first.gone).toBe(true);
  expect(source.messages.map(({ uid }) => uid)).toEqual([2]);
  expect(await textOf(target, 3)).toBe('one');
  expect(from.names('cur')).toEqual(['2.b:2,']);
});

test('expunged messages are gone for all, and their UIDs are not used again', async () => {
  const maildir = makeTestMaildir();
  for (const name of ['1.a', '2.b', '3.c']) maildir.put(`cur/${name}:2,`);
  const { folder } = await openTest(maildir);
  const { folder: other } = await openTest(maildir);
  const before = folder.highestModseq;
  const last = folder.messages[2] as FolderMessage;
  expect(await folder.expunge([last])).toEqual([last]);
  expect(folder.vanishedSince(before)).toEqual([[3, 3]]);
  await other.refresh({ takeNew: false });
  expect(other.messages.map(({ uid }) => uid)).toEqual([1, 2]);
  expect((await append(other, 'new')).uid).toBe(4);
});
