// What Courier 5.0.13 leaves in a folder, byte by byte: it is read as it was meant, and ours is the same.

import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FLAG, type FolderMessage } from './index.ts';
import { keywordPath, readKeywords } from './keyword-files.ts';
import { retireKeywordFiles } from './keyword-write.ts';
import { makeTestMaildir, openTest, type TestMaildir } from './testing/maildir.ts';

const APPENDED = '1795376712.M942305P9644V000000000000FE00I000000000021254E_0.vm,S=9';
const UIDDB = `1 795376712 4\n1 1699999999.2.host\n2 1700000000.1.host\n3 ${APPENDED}\n`;
const LIST = `Work\n\n${APPENDED}:0\n`;

/** Recorded after SELECT, an APPEND (\Seen Work), and STORE 1 +FLAGS (foo Bar $zed). */
function recorded(): TestMaildir {
  const maildir = makeTestMaildir();
  for (const name of ['1699999999.2.host:2,', '1700000000.1.host:2,', `${APPENDED}:2,S`])
    maildir.put(`cur/${name}`);
  maildir.write('courierimapuiddb', UIDDB);
  mkdirSync(join(maildir.dir, 'courierimapkeywords'));
  maildir.write('courierimapkeywords/:list', LIST);
  maildir.write('courierimapkeywords/1699999999.2.host', '$zed\nBar\nfoo\n');
  maildir.write(`courierimapkeywords/.5984590.${APPENDED}`, 'Work\n');
  return maildir;
}

const keywordFiles = (maildir: TestMaildir) =>
  readdirSync(join(maildir.dir, 'courierimapkeywords'), 'latin1').sort();

test('a folder of Courier is read with its UIDs, flags and keywords, and nothing of it is written anew', async () => {
  const maildir = recorded();
  const { folder, log } = await openTest(maildir);
  expect(folder.uidValidity).toBe(795_376_712);
  expect(folder.uidNext).toBe(4);
  expect(folder.messages).toMatchObject([
    { uid: 1, base: '1699999999.2.host', flags: 0, keywords: ['$zed', 'Bar', 'foo'] },
    { uid: 2, base: '1700000000.1.host', flags: 0, keywords: [] },
    { uid: 3, base: APPENDED, flags: FLAG.seen, keywords: ['Work'] },
  ]);
  expect(folder.takeRecent()).toEqual([]);
  expect(log).toEqual([]);
  expect(maildir.text('courierimapuiddb')).toBe(UIDDB);
  expect(maildir.names('tmp')).toEqual([]);
});

test('keywords are folded into the list as Courier does: files get the name of the next period, or go', async () => {
  const maildir = recorded();
  await openTest(maildir);
  expect(maildir.text('courierimapkeywords/:list')).toBe(
    `$zed\nBar\nWork\nfoo\n\n1699999999.2.host:0 1 3\n${APPENDED}:2\n`,
  );
  const names = keywordFiles(maildir);
  expect(names).toHaveLength(2);
  expect(names[0]).toMatch(/^\.[0-9]+\.1699999999\.2\.host$/);
  expect(maildir.text(`courierimapkeywords/${names[0]}`)).toBe('$zed\nBar\nfoo\n');
});

test('new messages are added to courierimapuiddb as Courier would have written it', async () => {
  const maildir = recorded();
  const { folder } = await openTest(maildir);
  maildir.put('new/1800000000.9.host');
  await folder.refresh({ takeNew: true });
  const spool = await folder.spool();
  await spool.write(Buffer.from('x: y\n\n'));
  const [message] = await folder.deliver([{ spool, flags: 0, keywords: [], time: undefined }]);
  const text = UIDDB.replace(' 4\n', ' 6\n');
  expect(maildir.text('courierimapuiddb')).toBe(`${text}4 1800000000.9.host\n5 ${message?.base}\n`);
  for (const uid of [5, 6, 7, 8, 9, 10]) maildir.put(`new/190000000${uid - 5}.x`);
  await folder.refresh({ takeNew: true });
  await folder.expunge(folder.messages.slice(0, 3));
  expect(maildir.text('courierimapuiddb')?.split('\n')[0]).toBe('1 795376712 12');
});

test('a change of keywords is a file of the message, and an empty one says that there are none', async () => {
  const maildir = recorded();
  const { folder } = await openTest(maildir);
  const [first, , third] = folder.messages as [FolderMessage, FolderMessage, FolderMessage];
  await folder.store([first], { change: 'remove', flags: 0, keywords: ['BAR'] });
  await folder.store([third], { change: 'replace', flags: FLAG.seen, keywords: [] });
  expect(maildir.text('courierimapkeywords/1699999999.2.host')).toBe('$zed\nfoo\n');
  expect(maildir.text(`courierimapkeywords/${APPENDED}`)).toBe('');
  const { folder: other } = await openTest(maildir);
  expect(other.messages.map(({ keywords }) => keywords)).toEqual([['$zed', 'foo'], [], []]);
});

test('of the files of a message the one without a period counts, then the latest period', async () => {
  const maildir = recorded();
  maildir.write('courierimapkeywords/.100.1700000000.1.host', 'old\n');
  maildir.write('courierimapkeywords/.99999999.1700000000.1.host', 'new\n');
  maildir.write('courierimapkeywords/.99999999.1699999999.2.host', 'other\n');
  maildir.write('courierimapkeywords/.tmp.1795376712.x', 'unfinished\n');
  const { folder } = await openTest(maildir);
  expect(folder.messages.map(({ keywords }) => keywords)).toEqual([
    ['$zed', 'Bar', 'foo'],
    ['new'],
    ['Work'],
  ]);
});

test('keyword files of no message go after fifteen minutes, and not before', async () => {
  const maildir = recorded();
  maildir.write('courierimapkeywords/young', 'x\n');
  maildir.write('courierimapkeywords/old', 'x\n');
  const ago = Date.now() / 1000 - 1000;
  utimesSync(join(keywordPath(maildir.dir), 'old'), ago, ago);
  const onDisk = await readKeywords(maildir.dir, () => {});
  await retireKeywordFiles(maildir.dir, onDisk, () => false);
  const names = keywordFiles(maildir);
  expect(names).toContain('young');
  expect(names).not.toContain('old');
});

test('keywords of very many messages are written into the list at once, and other changes are kept', async () => {
  const maildir = makeTestMaildir();
  for (let number = 0; number < 100; number++) maildir.put(`cur/${1000 + number}.a:2,`);
  const { folder } = await openTest(maildir);
  const { folder: other } = await openTest(maildir);
  await other.store(other.messages.slice(0, 2), { change: 'add', flags: 0, keywords: ['theirs'] });
  await folder.store(folder.messages, { change: 'add', flags: 0, keywords: ['ours'] });
  expect(keywordFiles(maildir)).toEqual([':list']);
  await other.refresh({ takeNew: false });
  for (const seen of [folder, other])
    expect(seen.messages.map(({ keywords }) => keywords.join())).toEqual([
      ...Array(2).fill('ours,theirs'),
      ...Array(98).fill('ours'),
    ]);
  await folder.store(folder.messages, { change: 'replace', flags: 0, keywords: [] });
  expect(keywordFiles(maildir)).toEqual([]);
});
