import { FLAG } from '@q/mailbox';
import { expect, test } from 'vitest';
import type { Enabled } from '../session.ts';
import { TestClient } from './testing/client.ts';
import { type Mail, TestMailbox } from './testing/mailbox.ts';

/** Noon of a day in the server's zone. */
const noon = (year: number, month: number, day: number) =>
  new Date(year, month - 1, day, 12).getTime();

const MAILS: readonly Mail[] = [
  {
    text: 'From: Ann <ann@a.test>\nTo: bob@b.test\nSubject: Hello\nDate: Mon, 2 Feb 2020 23:30:00 -0800\n\nlunch?\n',
    time: noon(2020, 2, 4),
    flags: FLAG.seen | FLAG.answered,
  },
  {
    text: 'From: carl@c.test\nSubject: =?utf-8?q?Caf=C3=A9?= time\nDate: 3 Feb 2020 10:00:00 +0000\n\nAt the CAF=C3=89.\n',
    time: noon(2020, 2, 5),
    flags: FLAG.flagged,
    keywords: ['$Forwarded', 'work'],
  },
  {
    text: 'From: ann@a.test\nCc: bob@b.test\nX-Spam:\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nR3LDvMOfZQ==\n',
    time: noon(2020, 2, 6),
    saved: noon(2020, 3, 1),
    flags: FLAG.deleted | FLAG.draft,
  },
  {
    text: 'Subject: hello again\nBcc: hidden@d.test\n\nlunch tomorrow\n',
    time: Date.now() - 60_000,
  },
];

async function client(
  mails: readonly Mail[] = MAILS,
  enabled: readonly Enabled[] = [],
): Promise<TestClient> {
  const mailbox = new TestMailbox();
  for (const mail of mails) await mailbox.add(mail);
  return new TestClient(mailbox, enabled);
}

test.each([
  ['ALL', '1 2 3 4'],
  ['2:3', '2 3'],
  ['*', '4'],
  ['3:1', '1 2 3'],
  ['UID 2:99', '2 3 4'],
  ['UID 99', ''],
  ['SEEN', '1'],
  ['UNSEEN', '2 3 4'],
  ['ANSWERED', '1'],
  ['FLAGGED UNDELETED', '2'],
  ['DELETED DRAFT', '3'],
  ['NOT DELETED', '1 2 4'],
  ['OR SEEN FLAGGED', '1 2'],
  ['OR (SEEN 4) (FLAGGED 2)', '2'],
  ['NOT (OR SEEN FLAGGED)', '3 4'],
  ['NOT NOT SEEN', '1'],
  ['KEYWORD WORK', '2'],
  ['KEYWORD $forwarded', '2'],
  ['UNKEYWORD work', '1 3 4'],
  ['KEYWORD nowhere', ''],
  ['OLD', '1 2 3 4'],
  ['RECENT', ''],
  ['NEW', ''],
  ['FROM ann', '1 3'],
  ['FROM "ANN <"', '1'],
  ['TO b.test', '1'],
  ['CC bob', '3'],
  ['BCC hidden', '4'],
  ['SUBJECT hello', '1 4'],
  ['SUBJECT ""', '1 2 4'],
  ['HEADER X-Spam ""', '3'],
  ['HEADER x-nothing ""', ''],
  ['BODY lunch', '1 4'],
  ['TEXT tomorrow', '4'],
  ['TEXT ann@a.test NOT BODY lunch', '3'],
  ['FUZZY BODY lunch', '1 4'],
  ['NOT FUZZY BODY lunch', '2 3'],
  ['ON 5-Feb-2020', '2'],
  ['BEFORE 5-Feb-2020', '1'],
  ['SINCE 5-Feb-2020', '2 3 4'],
  ['SINCE 5-Feb-2020 BEFORE 6-Feb-2020', '2'],
  // The day that is written, whatever moment it is elsewhere.
  ['SENTON 2-Feb-2020', '1'],
  ['SENTON 3-Feb-2020', '2'],
  ['SENTBEFORE 3-Feb-2020', '1'],
  ['SENTSINCE 3-Feb-2020', '2'],
  // Without a Date field a message is on no day.
  ['OR SENTBEFORE 1-Jan-2100 SENTSINCE 1-Jan-2100', '1 2'],
  ['SAVEDON 1-Mar-2020', '3'],
  ['SAVEDSINCE 7-Feb-2020 SAVEDBEFORE 2-Mar-2020', '3'],
  ['SAVEDATESUPPORTED', '1 2 3 4'],
  ['YOUNGER 3600', '4'],
  ['OLDER 3600', '1 2 3'],
  ['EMAILID M2', '2'],
  ['THREADID T3', '3'],
  ['NOT EMAILID M2 NOT UID 1', '3 4'],
])('SEARCH %s finds %j', async (keys, found) => {
  expect(await (await client()).say(`SEARCH ${keys}`)).toEqual([
    found === '' ? '* SEARCH' : `* SEARCH ${found}`,
    'a OK SEARCH completed',
  ]);
});

test('LARGER and SMALLER go by the size with CRLF', async () => {
  const c = await client([{ text: 'A: b\n\nab\n' }]);
  expect((await c.say('SEARCH LARGER 11 SMALLER 13'))[0]).toBe('* SEARCH 1');
  expect((await c.say('SEARCH LARGER 12'))[0]).toBe('* SEARCH');
  expect((await c.say('SEARCH SMALLER 12'))[0]).toBe('* SEARCH');
});

test('texts are found whatever their case and encoding, in the charset that the command names', async () => {
  const c = await client();
  expect((await c.say('SEARCH CHARSET UTF-8 SUBJECT {CAF\xc3\x89}'))[0]).toBe('* SEARCH 2');
  expect((await c.say('SEARCH CHARSET ISO-8859-1 SUBJECT {caf\xe9}'))[0]).toBe('* SEARCH 2');
  expect((await c.say('SEARCH CHARSET UTF-7 SUBJECT "caf+AOk-"'))[0]).toBe('* SEARCH 2');
  expect((await c.say('SEARCH CHARSET UTF-8 BODY {gr\xc3\xbc\xc3\x9f}'))[0]).toBe('* SEARCH 3');
  // Many clients send what was typed without naming a charset.
  expect((await c.say('SEARCH SUBJECT {caf\xc3\xa9}'))[0]).toBe('* SEARCH 2');
});

test('no charset is named after ENABLE UTF8=ACCEPT, but for IMAP4rev2', async () => {
  const said = 'SEARCH CHARSET UTF-8 SUBJECT {caf\xc3\xa9}';
  const refused = await (await client(MAILS, ['UTF8=ACCEPT'])).say(said);
  expect(refused).toEqual(['a BAD No CHARSET after ENABLE UTF8=ACCEPT']);
  const both = await (await client(MAILS, ['UTF8=ACCEPT', 'IMAP4REV2'])).say(said);
  expect(both[0]).toBe('* ESEARCH (TAG "a") ALL 2');
});

test('a charset that is not known is refused, with a list of those that are', async () => {
  const c = await client();
  const [line] = await c.say('SEARCH CHARSET x-nonsense ALL');
  expect(line).toMatch(/^a NO \[BADCHARSET \((?:\S+ )*UTF-8(?: \S+)*\)\] /);
  expect(await c.say('SEARCH CHARSET UTF-8 SUBJECT {\xff}')).toEqual([
    'a BAD String is not valid in its charset',
  ]);
});

test('text is looked for only in the messages that the cheaper keys leave', async () => {
  const c = await client();
  await c.say('SEARCH TEXT a HEADER From ann SEEN SINCE 1-Jan-2020');
  expect(c.mailbox.searches).toEqual([
    { scope: { kind: 'header', name: 'From' }, messages: 1 },
    { scope: { kind: 'text' }, messages: 1 },
  ]);
  c.mailbox.searches.length = 0;
  await c.say('SEARCH OR TEXT a UNSEEN');
  expect(c.mailbox.searches).toEqual([{ scope: { kind: 'text' }, messages: 1 }]);
  c.mailbox.searches.length = 0;
  await c.say('SEARCH BODY x 99:100');
  await c.say('SEARCH BODY x UID 99');
  expect(c.mailbox.searches).toEqual([]);
});

test('facts that are not remembered are read, and a message that is gone by then is not found', async () => {
  const c = await client();
  c.mailbox.forgetful = true;
  expect((await c.say('SEARCH SINCE 5-Feb-2020'))[0]).toBe('* SEARCH 2 3 4');
  expect((await c.say('SEARCH NOT SINCE 5-Feb-2020'))[0]).toBe('* SEARCH 1');
  c.mailbox.change(c.mailbox.messages[2] as never, { gone: true });
  expect((await c.say('SEARCH SINCE 5-Feb-2020'))[0]).toBe('* SEARCH 2 4');
  expect((await c.say('SEARCH NOT BODY lunch'))[0]).toBe('* SEARCH 2');
  // The number is told as gone only when it may be.
  expect(await c.look()).toEqual(['* 3 EXPUNGE']);
  expect((await c.say('SEARCH ALL'))[0]).toBe('* SEARCH 1 2 3');
  expect((await c.say('UID SEARCH ALL'))[0]).toBe('* SEARCH 1 2 4');
});

test('message numbers beyond the mailbox match nothing, as in the searches of other servers', async () => {
  const c = await client();
  expect((await c.say('SEARCH 5'))[0]).toBe('* SEARCH');
  expect((await c.say('SEARCH 3:4000000000,7:*'))[0]).toBe('* SEARCH 3 4');
  expect((await (await client([])).say('SEARCH OR 1:* *'))[0]).toBe('* SEARCH');
});

test('MODSEQ finds what changed, tells the highest mod-sequence, and turns CONDSTORE on', async () => {
  const c = await client();
  expect((await c.say('SEARCH MODSEQ 3')).slice(0, 2)).toEqual([
    '* OK [HIGHESTMODSEQ 4] Highest',
    '* SEARCH 3 4 (MODSEQ 4)',
  ]);
  expect((await c.say('SEARCH MODSEQ 4'))[0]).toBe('* SEARCH 4 (MODSEQ 4)');
  expect(c.session.enabled.has('CONDSTORE')).toBe(true);
  expect((await c.say('SEARCH MODSEQ "/flags/\\\\draft" all 99'))[0]).toBe('* SEARCH');
  expect((await c.say('SEARCH OR NOT MODSEQ 3 4'))[0]).toBe('* SEARCH 1 2 4 (MODSEQ 4)');
  expect((await c.say('SORT (REVERSE ARRIVAL) UTF-8 MODSEQ 3'))[0]).toBe('* SORT 4 3 (MODSEQ 4)');
});

test('with UIDONLY message numbers are refused, in keys and in answers', async () => {
  const mailbox = new TestMailbox();
  for (const mail of MAILS) await mailbox.add(mail);
  const c = new TestClient(mailbox, ['UIDONLY']);
  const refused = ['a BAD [UIDREQUIRED] Message numbers are turned off'];
  expect(await c.say('SEARCH ALL')).toEqual(refused);
  expect(await c.say('SORT (DATE) UTF-8 ALL')).toEqual(refused);
  expect(await c.say('THREAD REFS UTF-8 ALL')).toEqual(refused);
  expect(await c.say('UID SEARCH 1:2')).toEqual(refused);
  expect((await c.say('UID SEARCH UID 1:2'))[0]).toBe('* SEARCH 1 2');
  await c.say('UID SEARCH RETURN (SAVE) SEEN');
  expect((await c.say('UID SEARCH $'))[0]).toBe('* SEARCH 1');
});

test('a search as deep as the reader lets through is answered', async () => {
  const c = await client();
  expect((await c.say(`SEARCH ${'NOT '.repeat(100)}SEEN`))[0]).toBe('* SEARCH 1');
  expect((await c.say(`SEARCH ${'OR UID 77 '.repeat(100)}BODY lunch`))[0]).toBe('* SEARCH 1 4');
  expect((await c.say(`SEARCH ${'('.repeat(100)}SEEN${')'.repeat(100)}`))[0]).toBe('* SEARCH 1');
  expect(await c.say(`SEARCH ${'NOT '.repeat(100_000)}ALL`)).toEqual([
    'a BAD [TOOBIG] Search too complex',
  ]);
  expect(await c.say(`SEARCH ${'OR ALL '.repeat(20_000)}ALL`)).toEqual([
    'a BAD [TOOBIG] Search too complex',
  ]);
});

test('more texts than anyone looks for are refused; header fields are not counted', async () => {
  const c = await client();
  expect(await c.say(`SEARCH${' TEXT a'.repeat(101)}`)).toEqual(['a NO [LIMIT] Too many texts']);
  expect((await c.say(`SEARCH${' FROM ann'.repeat(200)}`))[0]).toBe('* SEARCH 1 3');
});

test('a value of a megabyte is only a long text', async () => {
  expect((await (await client()).say(`SEARCH HEADER Subject {${'x'.repeat(1_000_000)}}`))[0]).toBe(
    '* SEARCH',
  );
});

test('others get their turn in a search over many messages', async () => {
  const c = await client(Array.from({ length: 600 }, () => ({ text: 'Subject: a\n\n' })));
  await c.say('SEARCH LARGER 1');
  expect(c.drained).toBeGreaterThan(5);
});

test('what the cache throws ends the search', async () => {
  const c = await client();
  c.mailbox.trouble = new Error('disk');
  await expect(c.say('SEARCH BODY x')).rejects.toThrow('disk');
});
