// APPEND and REPLACE: one message, many, put together of others, binary.

import { readFileSync } from 'node:fs';
import { FLAG } from '@q/mailbox';
import { parseMessage } from '@q/mime';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { TestClient, TestMailboxes } from './testing/client.ts';
import type { MemoryFolder } from './testing/folder.ts';

let mailboxes: TestMailboxes;
let folder: MemoryFolder;
let client: TestClient;

beforeEach(() => {
  mailboxes = new TestMailboxes();
  folder = mailboxes.add('INBOX');
  client = new TestClient(mailboxes);
});

const literal = (text: string) => `{${text.length}+}\r\n${text}`;
const binary = (text: string) => `~${literal(text)}`;

/** What is in the file of the last message. */
function stored(): string {
  return readFileSync(folder.path(folder.messages.at(-1) as never), 'latin1');
}

test('a message is stored with LF, its flags and its date', async () => {
  const answer = await client.lines(
    `APPEND INBOX (\\Seen work) "12-Nov-2026 09:05:00 +0100" ${literal('Subject: x\r\n\r\nbody \xe9\r\n')}`,
  );
  expect(answer).toEqual([`a OK [APPENDUID ${folder.uidValidity} 1] APPEND completed`]);
  expect(stored()).toBe('Subject: x\n\nbody \xe9\n');
  expect(folder.messages[0]).toMatchObject({ flags: FLAG.seen, keywords: ['work'] });
  expect(folder.times.get(1)).toBe(Date.UTC(2026, 10, 12, 8, 5));
});

test.each([
  ['"01-Jan-0000 00:00:00 +0000"', 0],
  ['"31-Dec-1969 23:59:59 +0000"', 0],
  ['"31-Dec-9999 23:59:59 -0000"', 0xffff_ffff * 1000],
])('a date beyond what files can have (%s) becomes the nearest', async (date, time) => {
  await client.say(`APPEND INBOX ${date} ${literal('a: b\r\n')}`);
  expect(folder.times.get(1)).toBe(time);
});

test('a date that is none is BAD', async () => {
  for (const date of [
    '99-Foo-2026 00:00:00 +0000',
    '31-Feb-2026 00:00:00 +0000',
    '01-Jan-2026 25:00:00 +0000',
  ])
    expect((await client.lines(`APPEND INBOX "${date}" ${literal('a: b\r\n')}`))[0]).toMatch(
      /^a BAD/,
    );
});

test('an empty message is NO, alone and among others, and none of them is stored', async () => {
  expect(await client.lines('APPEND INBOX {0+}\r\n')).toEqual(['a NO A message cannot be empty']);
  expect(await client.lines(`APPEND INBOX ${literal('a: b\r\n')} {0+}\r\n`)).toEqual([
    'a NO A message cannot be empty',
  ]);
  expect(folder.messages).toEqual([]);
});

test('several messages come all or not at all', async () => {
  const messages = ['a: 1\r\n', 'a: 2\r\n', 'a: 3\r\n']
    .map((text) => `(\\Flagged) ${literal(text)}`)
    .join(' ');
  expect(await client.lines(`APPEND INBOX ${messages}`)).toEqual([
    `a OK [APPENDUID ${folder.uidValidity} 1:3] APPEND completed`,
  ]);
  expect((await client.lines(`APPEND INBOX ${messages} CATENATE (URL "/none/;UID=1")`))[0]).toMatch(
    /^a NO/,
  );
  expect(folder.messages.length).toBe(3);
});

test('the selected mailbox is told of what was appended to it', async () => {
  await client.say('SELECT INBOX');
  expect(await client.lines(`APPEND INBOX ${literal('a: b\r\n')}`)).toContain('* 1 EXISTS');
});

test('no mailbox: NO [TRYCREATE]; flags without the right for them are left out', async () => {
  expect(await client.lines(`APPEND None ${literal('a: b\r\n')}`)).toEqual([
    'a NO [TRYCREATE] No such mailbox',
  ]);
  const shared = mailboxes.add('Shared', 'lri');
  await client.say(`APPEND Shared (\\Seen \\Deleted work) ${literal('a: b\r\n')}`);
  expect(shared.messages).toMatchObject([{ flags: 0, keywords: [] }]);
});

test('CATENATE puts sections of other messages and new text together', async () => {
  const drafts = mailboxes.add('Entwürfe');
  drafts.add(
    'Subject: draft\nX: y\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n',
  );
  const parts = [
    'URL "/Entw%C3%BCrfe;UIDVALIDITY=1700000000/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)"',
    `TEXT ${literal('--- ')}`,
    'URL "/Entw%c3%bcrfe/;uid=1/;section=2"',
    `TEXT ${literal('\r\n')}`,
    'URL "/Entw%C3%BCrfe/;UID=1/;SECTION=HEADER/;PARTIAL=9.5"',
  ].join(' ');
  expect((await client.lines(`APPEND INBOX CATENATE (${parts})`))[0]).toMatch(/^a OK \[APPENDUID/);
  expect(stored()).toBe('Subject: draft\n\n--- two\ndraft');
});

test('a URL without a mailbox is of the selected one', async () => {
  folder.add('Subject: x\n\nbody\n');
  expect((await client.lines('APPEND INBOX CATENATE (URL ";UID=1")'))[0]).toMatch(
    /^a NO \[BADURL ";UID=1"\]/,
  );
  await client.say('SELECT INBOX');
  await client.say('APPEND INBOX CATENATE (URL ";UID=1/;SECTION=TEXT")');
  expect(stored()).toBe('body\n');
});

test.each([
  'imap://elsewhere/INBOX/;UID=1',
  '/INBOX/;UID=2',
  '/INBOX/;UID=0',
  '/INBOX/;UID=4294967296',
  '/INBOX;UIDVALIDITY=1/;UID=1',
  '/INBOX/;UID=1/;SECTION=9',
  '/INBOX/;UID=1/;SECTION=MIME',
  '/INBOX/;UID=1/;SECTION=HEADER.FIELDS',
  '/INBOX/;UID=1/;SECTION=1.',
  '/INBOX/;UID=1/;PARTIAL=x',
  '/INBOX/;UID=1;EXPIRE=1',
  '/Secret/;UID=1',
  '/%zz/;UID=1',
  '/../../etc/passwd',
  'http://x/',
])('the URL %s leads to nothing: NO [BADURL], and nothing is stored', async (url) => {
  folder.add('Subject: x\n\nbody\n');
  mailboxes.add('Secret', 'l').add('Subject: secret\n\n');
  expect(await client.lines(`APPEND INBOX CATENATE (URL "${url}")`)).toEqual([
    `a NO [BADURL "${url}"] The URL leads to nothing`,
  ]);
  expect(folder.messages.length).toBe(1);
});

test('a URL with other characters than text comes back unsaid', async () => {
  expect(await client.lines(`APPEND INBOX CATENATE (URL ${literal('/x]\r\n* BYE')})`)).toEqual([
    'a NO [BADURL "unprintable"] The URL leads to nothing',
  ]);
});

test('a message that grows beyond the limit by URLs is NO [TOOBIG]; beyond the quota NO [OVERQUOTA]', async () => {
  folder.add(`Subject: x\n\n${'0123456789'.repeat(4000)}\n`);
  const urls = (count: number) => Array(count).fill('URL "/INBOX/;UID=1"').join(' ');
  expect((await client.lines(`APPEND INBOX CATENATE (${urls(3)})`))[0]).toMatch(/^a NO \[TOOBIG\]/);
  mailboxes.room = 50_000;
  expect((await client.lines(`APPEND INBOX CATENATE (${urls(2)})`))[0]).toMatch(
    /^a NO \[OVERQUOTA\]/,
  );
  expect(folder.messages.length).toBe(1);
});

test('a binary part of a literal8 becomes base64, and comes back as it was', async () => {
  const data = 'a\0b\nc\rd\r\n\xff'.repeat(50);
  const message = [
    'Content-Type: multipart/mixed; boundary=x',
    '',
    '--x',
    'Content-Type: text/plain',
    'Content-Transfer-Encoding: binary',
    '',
    'lines only',
    '--x',
    'Content-Type: application/octet-stream',
    'content-transfer-encoding:',
    '\tbinary',
    'X: y',
    '',
    data,
    '--x--',
    '',
  ].join('\r\n');
  expect((await client.lines(`APPEND INBOX ${binary(message)}`))[0]).toMatch(/^a OK/);
  expect(stored()).not.toMatch(/[\r\0]/);
  expect(stored()).toContain('Content-Transfer-Encoding: base64\nX: y\n\n');
  expect(stored()).toContain('Content-Transfer-Encoding: binary\n\nlines only\n');
  await client.say('SELECT INBOX');
  const answer = await client.say('FETCH 1 BINARY.PEEK[2]');
  expect(answer).toContain(`BINARY[2] ~{${data.length}}\r\n${data})`);
});

test('any bytes of a binary part come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
      const data = Buffer.from(bytes).toString('latin1');
      const head = 'Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n';
      await client.say(`APPEND INBOX ${binary(head + data)}`);
      const parsed = await parseMessage([Buffer.from(stored(), 'latin1')]);
      expect(parsed.hasNul).toBe(false);
      await client.say('SELECT INBOX');
      const answer = await client.say('FETCH * BINARY.PEEK[1]');
      const found = /BINARY\[1\] ~?\{(\d+)\}\r\n/.exec(answer);
      const start = (found?.index ?? 0) + (found?.[0].length ?? 0);
      expect(answer.slice(start, start + Number(found?.[1]))).toBe(data);
    }),
    { numRuns: 100 },
  );
});

test('a NUL outside of a binary part is NO', async () => {
  for (const text of ['a: \0\r\n\r\n', 'a: b\r\n\r\nx\0y'])
    expect(await client.lines(`APPEND INBOX ${binary(text)}`)).toEqual([
      'a NO NUL outside of a binary part',
    ]);
  expect((await client.lines(`APPEND INBOX CATENATE (TEXT ${binary('\0')})`))[0]).toMatch(
    /^a (NO NUL|BAD)/,
  );
  expect(folder.messages).toEqual([]);
});

test('UTF8 needs to be enabled', async () => {
  const append = `APPEND INBOX UTF8 (${binary('Subject: \xc3\xa9\r\n\r\n')})`;
  expect(await client.lines(append)).toEqual(['a BAD UTF8 is not enabled']);
  client.session.enabled.add('UTF8=ACCEPT');
  expect((await client.lines(append))[0]).toMatch(/^a OK/);
  expect(stored()).toBe('Subject: \xc3\xa9\n\n');
});

test('REPLACE: the new one comes, the old one goes', async () => {
  folder.add('a: 1\n');
  folder.add('a: 2\n');
  folder.takeRecent();
  await client.say('SELECT INBOX');
  expect(await client.lines(`REPLACE 1 INBOX (\\Draft) ${literal('a: 3\r\n')}`)).toEqual([
    `* OK [APPENDUID ${folder.uidValidity} 3] Replacement message is here`,
    '* 1 EXPUNGE',
    '* 2 EXISTS',
    '* 1 RECENT',
    'a OK REPLACE completed',
  ]);
  expect(folder.messages.map(({ uid }) => uid)).toEqual([2, 3]);
  expect((await client.lines(`UID REPLACE 1 INBOX ${literal('a: 4\r\n')}`))[0]).toBe(
    'a NO No such message',
  );
  expect((await client.lines(`UID REPLACE * INBOX ${literal('a: 4\r\n')}`)).at(-1)).toMatch(
    /^a OK/,
  );
  expect(folder.messages.map(({ uid }) => uid)).toEqual([2, 4]);
});

test('a REPLACE whose old message cannot be removed leaves that one alone', async () => {
  folder.add('a: 1\n');
  await client.say('SELECT INBOX');
  let calls = 0;
  folder.before = (what) => {
    if (what === 'expunge' && ++calls === 1) throw new Error('disk trouble');
  };
  await expect(client.say(`REPLACE 1 INBOX ${literal('a: 2\r\n')}`)).rejects.toThrow(
    'disk trouble',
  );
  expect(folder.messages.map(({ uid }) => uid)).toEqual([1]);
});

test('a REPLACE whose old message is gone although its removal reports an error has replaced it', async () => {
  const old = folder.add('a: 1\n');
  await client.say('SELECT INBOX');
  folder.before = (what) => {
    if (what !== 'expunge') return;
    folder.touch(old, { gone: true });
    throw new Error('disk trouble');
  };
  expect((await client.lines(`REPLACE 1 INBOX ${literal('a: 2\r\n')}`)).at(-1)).toBe(
    'a OK REPLACE completed',
  );
  expect(folder.messages.map(({ uid }) => uid)).toEqual([2]);
});
