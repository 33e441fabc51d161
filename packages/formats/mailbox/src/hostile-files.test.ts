// What others may have left in a folder: nothing of it loses mail, is waited for, or is followed elsewhere.

import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FLAG, FolderPool } from './index.ts';
import { makeTestMaildir, openTest, type TestMaildir } from './testing/maildir.ts';

function three(): TestMaildir {
  const maildir = makeTestMaildir();
  for (const name of ['1.a:2,S', '2.b:2,', '3.c:2,']) maildir.put(`cur/${name}`);
  return maildir;
}

const bases = (folder: { messages: readonly { uid: number; base: string }[] }) =>
  folder.messages.map(({ uid, base }) => `${uid} ${base}`);

test('a courierimapuiddb with lines of garbage keeps its header, and the lines that can be read', async () => {
  const maildir = three();
  maildir.write(
    'courierimapuiddb',
    '1 700000000 20\nx\n7 2.b\n-1 3.c\n99999999999 3.c\n5\n8 2.b\n7 1.a\n\n9 gone\n10 part',
  );
  const { folder, log } = await openTest(maildir);
  expect(folder.uidValidity).toBe(700_000_000);
  expect(bases(folder)).toEqual(['7 2.b', '20 1.a', '21 3.c']);
  expect(maildir.text('courierimapuiddb')).toBe('1 700000000 22\n7 2.b\n20 1.a\n21 3.c\n');
  expect(log.join()).toContain('courierimapuiddb: lines that cannot be read');
});

test('a UID beyond the next one is believed, and none is given twice', async () => {
  const maildir = three();
  maildir.write('courierimapuiddb', '1 700000000 2\n1 1.a\n30 2.b\n4000000000 3.c\n');
  const { folder } = await openTest(maildir);
  expect(bases(folder)).toEqual(['1 1.a', '30 2.b', '31 3.c']);
});

test.each([
  ['empty', ''],
  ['garbage', '\x00\xff\n1 2 3\n'],
  ['of another version', '2 700000000 4\n1 1.a\n'],
  ['without numbers that can be', '1 0 4\n1 1.a\n'],
  ['all given out', '1 700000000 4294967295\n1 1.a\n'],
])('a courierimapuiddb that is %s is made anew, with another UIDVALIDITY', async (_what, text) => {
  const maildir = three();
  maildir.write('courierimapuiddb', text);
  const { folder, log } = await openTest(maildir);
  expect(bases(folder)).toEqual(['1 1.a', '2 2.b', '3 3.c']);
  expect(folder.uidValidity).toBeGreaterThan(700_000_000);
  expect(log).not.toEqual([]);
  expect(bases((await openTest(maildir)).folder)).toEqual(bases(folder));
});

test('a courierimapuiddb of a gigabyte is not read', async () => {
  const maildir = three();
  maildir.write('courierimapuiddb', '1 700000000 4\n');
  truncateSync(join(maildir.dir, 'courierimapuiddb'), 1_073_741_824);
  const { folder } = await openTest(maildir);
  expect(bases(folder)).toEqual(['1 1.a', '2 2.b', '3 3.c']);
  expect(lstatSync(join(maildir.dir, 'courierimapuiddb')).size).toBeLessThan(100);
});

test.each(['courierimapuiddb', 'dovecot-uidlist', 'courierimapkeywords', 'tmp/courier.lock'])(
  'a FIFO called %s is never waited for',
  async (name) => {
    const maildir = three();
    execFileSync('mkfifo', [join(maildir.dir, name)]);
    const pool = new FolderPool();
    const open = pool.open(maildir.dir, { root: maildir.dir, lockWaitMs: 50 });
    if (name === 'tmp/courier.lock') return await expect(open).rejects.toThrow(/locked/);
    expect(bases(await open)).toEqual(['1 1.a', '2 2.b', '3 3.c']);
  },
);

test('nothing is read or written through links', async () => {
  const maildir = three();
  const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'));
  try {
    writeFileSync(join(elsewhere, 'uiddb'), '1 700000000 9\n8 1.a\n');
    writeFileSync(join(elsewhere, ':list'), 'secret\n\n1.a:0\n');
    symlinkSync(join(elsewhere, 'uiddb'), join(maildir.dir, 'courierimapuiddb'));
    symlinkSync(elsewhere, join(maildir.dir, 'courierimapkeywords'));
    const { folder } = await openTest(maildir);
    expect(bases(folder)).toEqual(['1 1.a', '2 2.b', '3 3.c']);
    expect(folder.keywords).toEqual([]);
    await expect(
      folder.store(folder.messages, { change: 'add', flags: 0, keywords: ['k'] }),
    ).rejects.toThrow();
    expect(readFileSync(join(elsewhere, 'uiddb'), 'latin1')).toBe('1 700000000 9\n8 1.a\n');
    expect(readdirSync(elsewhere).sort()).toEqual([':list', 'uiddb']);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

test('a directory in the place of courierimapuiddb is put aside', async () => {
  const maildir = three();
  mkdirSync(join(maildir.dir, 'courierimapuiddb/full'), { recursive: true });
  const { folder } = await openTest(maildir);
  expect(bases((await openTest(maildir)).folder)).toEqual(bases(folder));
});

test('files with odd names are messages, each once; names that cannot be kept get others', async () => {
  const maildir = makeTestMaildir();
  const long = `4.${'x'.repeat(245)}`;
  for (const name of [
    '1.a',
    '2.b:1,x',
    '3. c d:2,SxF\xe9S',
    long,
    '5.n\newline:2,F',
    ':2,S',
    '.hidden',
    '6.big,S=999999999999999999',
  ])
    maildir.put(`cur/${name}`, name);
  mkdirSync(join(maildir.dir, 'cur/7.directory'));
  execFileSync('mkfifo', [join(maildir.dir, 'cur/8.fifo:2,')]);
  symlinkSync('/nonexistent', join(maildir.dir, 'cur/9.nowhere:2,'));
  const { folder } = await openTest(maildir);
  const texts = maildir.names('cur').flatMap((name) => {
    const path = Buffer.from(`${maildir.dir}/cur/${name}`, 'latin1');
    return lstatSync(path).isFile() ? [readFileSync(path, 'latin1')] : [];
  });
  expect(texts).toHaveLength(8);
  expect(folder.messages).toHaveLength(7);
  expect(folder.messages.every(({ base }) => base.length <= 230 && !base.includes('\n'))).toBe(
    true,
  );
  expect(folder.messages.find(({ base }) => base === '3. c d')?.flags).toBe(
    FLAG.seen | FLAG.flagged,
  );
  await folder.store(folder.messages, { change: 'add', flags: FLAG.answered, keywords: ['k'] });
  expect(maildir.names('cur')).toContain('2.b:2,R');
  expect(maildir.names('cur')).toContain('3. c d:2,FRSx');
  const again = (await openTest(maildir)).folder;
  expect(bases(again)).toEqual(bases(folder));
  expect(again.messages.map(({ keywords }) => keywords)).toEqual(Array(7).fill(['k']));
});

test('two files of one base are two messages, in cur and when one comes from new', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,', 'one');
  maildir.put('cur/1.a:2,S', 'two');
  maildir.put('new/1.a', 'three');
  maildir.put('new/2.b:2,F', 'four');
  const { folder } = await openTest(maildir);
  await folder.refresh({ takeNew: true });
  expect(folder.messages).toHaveLength(4);
  const texts = maildir.names('cur').map((name) => maildir.text(`cur/${name}`));
  expect(texts.sort()).toEqual(['four', 'one', 'three', 'two']);
  // Also when the second comes while the first is known.
  maildir.put('cur/2.b:2,S', 'five');
  await folder.refresh({ takeNew: true });
  expect(folder.messages).toHaveLength(5);
});

test('a link to a message elsewhere is a message, copied by its bytes', async () => {
  const maildir = makeTestMaildir();
  const target = makeTestMaildir();
  writeFileSync(join(maildir.dir, 'message'), 'linked');
  symlinkSync('../message', join(maildir.dir, 'cur/1.a:2,S'));
  const { folder } = await openTest(maildir);
  const { folder: to } = await openTest(target);
  expect(await to.take(folder, folder.messages, 'copy')).toHaveLength(1);
  const [name = ''] = target.names('cur');
  expect(lstatSync(join(target.dir, 'cur', name)).isFile()).toBe(true);
  expect(target.text(`cur/${name}`)).toBe('linked');
});

test('a file that cannot be taken from new keeps none of the others there', async () => {
  const maildir = makeTestMaildir();
  maildir.put('new/1.a');
  maildir.put('new/2.b');
  mkdirSync(join(maildir.dir, 'cur/1.a:2,/full'), { recursive: true });
  const { folder } = await openTest(maildir);
  await folder.refresh({ takeNew: true });
  expect(bases(folder)).toEqual(['1 2.b']);
  expect(maildir.names('new')).toEqual(['1.a']);
  rmSync(join(maildir.dir, 'cur/1.a:2,'), { recursive: true });
  await folder.refresh({ takeNew: true });
  expect(bases(folder)).toEqual(['1 2.b', '2 1.a']);
});

test('keyword files with garbage in them are passed over', async () => {
  const maildir = three();
  mkdirSync(join(maildir.dir, 'courierimapkeywords/2.b'), { recursive: true });
  maildir.write(
    'courierimapkeywords/:list',
    'A\nnot ok\nB\n\n1.a:0 1 2 99 x\nnobody:0\n3.c\n2.b:2',
  );
  maildir.write('courierimapkeywords/3.c', `${'x'.repeat(300)}\nC\n\\Seen\n`);
  const { folder } = await openTest(maildir);
  expect(folder.messages.map(({ keywords }) => keywords)).toEqual([['A', 'B'], [], ['C']]);
});

test('the disk of a second name of the same file is no message lost', async () => {
  const maildir = makeTestMaildir();
  maildir.put('cur/1.a:2,', 'one');
  linkSync(join(maildir.dir, 'cur/1.a:2,'), join(maildir.dir, 'cur/1.a:2,S'));
  const { folder } = await openTest(maildir);
  expect(folder.messages).toHaveLength(2);
  await folder.expunge(folder.messages.slice(1));
  expect(maildir.names('cur').map((name) => maildir.text(`cur/${name}`))).toEqual(['one']);
});
