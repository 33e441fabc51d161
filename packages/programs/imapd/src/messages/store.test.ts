// STORE, COPY, MOVE, EXPUNGE, SELECT and CLOSE as a client sees them.

import { FLAG } from '@q/mailbox';
import { beforeEach, expect, test } from 'vitest';
import { TestClient, TestMailboxes } from './testing/client.ts';
import type { HeldMessage, MemoryFolder } from './testing/folder.ts';

let mailboxes: TestMailboxes;
let folder: MemoryFolder;
let client: TestClient;
let messages: HeldMessage[];

const MAIL = 'Subject: one\n\nbody\n';

beforeEach(async () => {
  mailboxes = new TestMailboxes();
  folder = mailboxes.add('INBOX');
  for (let i = 0; i < 4; i++) folder.add(MAIL);
  folder.takeRecent();
  messages = [...folder.messages];
  client = new TestClient(mailboxes);
  await client.say('SELECT INBOX');
});

const at = (number: number) => messages[number - 1] as HeldMessage;

test('STORE tells each message its flags once, also one that had them', async () => {
  folder.touch(at(2), { flags: FLAG.seen });
  client.look();
  expect(await client.lines('STORE 1:2 +FLAGS (\\Seen work)')).toEqual([
    '* 1 FETCH (FLAGS (\\Seen work))',
    '* 2 FETCH (FLAGS (\\Seen work))',
    'a OK STORE completed',
  ]);
  expect(await client.lines('STORE 1 -FLAGS \\Seen')).toContain('* 1 FETCH (FLAGS (work))');
  expect(await client.lines('STORE 1 FLAGS ()')).toContain('* 1 FETCH (FLAGS ())');
  expect(client.look()).toEqual([]);
});

test('another session is told what this one stored', async () => {
  const other = new TestClient(mailboxes);
  await other.say('SELECT INBOX');
  await client.say('UID STORE 3 +FLAGS.SILENT (\\Flagged)');
  expect(other.look()).toEqual(['* 3 FETCH (FLAGS (\\Flagged))']);
});

test('with .SILENT nothing is told, but for what others changed', async () => {
  folder.touch(at(2), { flags: FLAG.answered });
  expect(await client.lines('STORE 1:3 +FLAGS.SILENT (\\Deleted)')).toEqual([
    '* 2 FETCH (FLAGS (\\Answered \\Deleted))',
    'a OK STORE completed',
  ]);
  folder.before = () => folder.touch(at(1), { flags: FLAG.flagged });
  expect(await client.lines('STORE 1 +FLAGS.SILENT (\\Seen)')).toContain(
    '* 1 FETCH (FLAGS (\\Flagged \\Seen))',
  );
  folder.before = () => {};
  folder.memory = 0;
  folder.touch(at(3));
  expect(await client.lines('STORE 3 +FLAGS.SILENT (\\Seen)')).toContain(
    '* 3 FETCH (FLAGS (\\Deleted \\Seen))',
  );
});

test('UNCHANGEDSINCE changes what has not changed, and names the others', async () => {
  const since = folder.highestModseq;
  folder.touch(at(2), { flags: FLAG.seen });
  client.look();
  const highest = folder.highestModseq;
  expect(await client.lines(`STORE 1:3 (UNCHANGEDSINCE ${since}) +FLAGS.SILENT (\\Draft)`)).toEqual(
    [
      `* OK [HIGHESTMODSEQ ${highest}] Highest`,
      `* 1 FETCH (MODSEQ (${at(1).modseq}))`,
      `* 3 FETCH (MODSEQ (${at(3).modseq}))`,
      'a OK [MODIFIED 2] Conditional STORE failed',
    ],
  );
  expect(at(2).flags).toBe(FLAG.seen);
  folder.touch(at(1), { gone: true });
  client.look();
  expect(await client.lines('UID STORE 2:4 (UNCHANGEDSINCE 1) FLAGS ()')).toContain(
    'a OK [MODIFIED 2:4] Conditional STORE failed',
  );
});

test('flags of messages that are gone: NO by number, nothing by UID', async () => {
  folder.touch(at(2), { gone: true });
  expect(await client.lines('STORE 1:2 +FLAGS (\\Seen)')).toEqual([
    '* 1 FETCH (FLAGS (\\Seen))',
    'a NO [EXPUNGEISSUED] Some of the messages are gone',
  ]);
  expect(await client.lines('UID STORE 2 +FLAGS (\\Seen)')).toEqual([
    '* 2 EXPUNGE',
    'a OK STORE completed',
  ]);
});

test.each([
  ['lrs', '+FLAGS (\\Seen \\Deleted)', '\\Seen'],
  ['lrs', 'FLAGS (\\Seen \\Answered)', '\\Flagged \\Seen kept'],
  ['lrt', '+FLAGS (\\Seen \\Deleted)', '\\Deleted'],
  ['lrw', 'FLAGS (\\Seen \\Answered new)', '\\Answered new'],
  ['lrst', 'FLAGS ()', '\\Flagged kept'],
])('with rights %s, STORE %s changes only what they allow', async (rights, change, result) => {
  const shared = mailboxes.add('Shared', rights);
  const begins = change.startsWith('+') ? 0 : FLAG.flagged;
  shared.add(MAIL, begins, begins === 0 ? [] : ['kept']);
  shared.takeRecent();
  await client.say('SELECT Shared');
  expect(await client.lines(`STORE 1 ${change}`)).toContain(`* 1 FETCH (FLAGS (${result}))`);
});

test('without any right to flags, and on EXAMINE, STORE is NO', async () => {
  mailboxes.add('Shared', 'lrie').add(MAIL);
  await client.say('SELECT Shared');
  expect(await client.lines('STORE 1 +FLAGS (\\Seen)')).toEqual([
    'a NO [NOPERM] Not your right here',
  ]);
  await client.say('EXAMINE INBOX');
  for (const command of ['STORE 1 +FLAGS (\\Seen)', 'EXPUNGE', 'MOVE 1 INBOX'])
    expect(await client.lines(command)).toEqual([
      'a NO [READ-ONLY] The mailbox is selected read-only',
    ]);
});

test('a mailbox that takes no more keywords says so, and goes on with those it has', async () => {
  folder.keywords = ['old'];
  folder.acceptsKeywords = false;
  const many = Array.from({ length: 900 }, (_, i) => `k${i}`).join(' ');
  expect(await client.lines(`STORE 1 +FLAGS (${many})`)).toEqual([
    'a NO [LIMIT] No more keywords in this mailbox',
  ]);
  expect(await client.lines('STORE 1 +FLAGS (OLD)')).toContain('a OK STORE completed');
  expect(await client.lines('STORE 1 -FLAGS (never)')).toContain('a OK STORE completed');
});

test('keywords are no paths, and no new system flags can be made', async () => {
  expect(await client.lines('STORE 1 +FLAGS (../../x $Forwarded)')).toContain(
    '* 1 FETCH (FLAGS (../../x $Forwarded))'.replace('../../x $Forwarded', '$Forwarded ../../x'),
  );
  for (const flag of ['\\Foo', '\\Recent', 'x'.repeat(10_000), '\xe9'])
    expect((await client.lines(`STORE 1 +FLAGS (${flag})`))[0]).toMatch(/^a BAD/);
});

test('COPY and MOVE answer which UIDs became which', async () => {
  const other = mailboxes.add('Other');
  other.add(MAIL);
  at(1).flags = FLAG.flagged;
  expect(await client.lines('COPY 1,3:4 Other')).toEqual([
    `a OK [COPYUID ${other.uidValidity} 1,3:4 2:4] COPY completed`,
  ]);
  expect(other.messages[1]?.flags).toBe(FLAG.flagged);
  expect(await client.lines('UID MOVE 2,4 Other')).toEqual([
    `* OK [COPYUID ${other.uidValidity} 2,4 5:6] Moved`,
    '* 4 EXPUNGE',
    '* 2 EXPUNGE',
    'a OK UID MOVE completed',
  ]);
  expect(await client.lines('UID COPY 999 Other')).toEqual(['a OK UID COPY completed']);
});

test('COPY to no mailbox is NO [TRYCREATE], without right NOPERM, without room OVERQUOTA', async () => {
  expect(await client.lines('COPY 1 None')).toEqual(['a NO [TRYCREATE] No such mailbox']);
  mailboxes.add('Closed', 'lr');
  expect((await client.lines('COPY 1 Closed'))[0]).toMatch(/^a NO \[NOPERM\]/);
  const other = mailboxes.add('Other');
  mailboxes.room = MAIL.length * 2;
  expect((await client.lines('COPY 1:3 Other'))[0]).toMatch(/^a NO \[OVERQUOTA\]/);
  expect(other.messages).toEqual([]);
  expect((await client.lines('COPY 1:2 Other'))[0]).toMatch(/^a OK/);
  // What stays in one quota needs no room.
  mailboxes.room = 0;
  expect((await client.lines('MOVE 1:2 Other')).at(-1)).toMatch(/^a OK/);
});

test('COPY of a number whose message is gone is NO, and nothing is copied', async () => {
  const other = mailboxes.add('Other');
  folder.touch(at(2), { gone: true });
  expect(await client.lines('COPY 1:3 Other')).toContain(
    'a NO [EXPUNGEISSUED] Some of the messages are gone',
  );
  expect(other.messages).toEqual([]);
});

test('flags that the user may not set in the other mailbox do not come along', async () => {
  const other = mailboxes.add('Other', 'lris');
  folder.touch(at(1), { flags: FLAG.seen | FLAG.deleted | FLAG.flagged, keywords: ['work'] });
  client.look();
  await client.say('COPY 1 Other');
  expect(other.messages[0]).toMatchObject({ flags: FLAG.seen, keywords: [] });
});

test('MOVE needs the rights to delete', async () => {
  mailboxes.add('Shared', 'lrswit').add(MAIL);
  await client.say('SELECT Shared');
  expect(await client.lines('MOVE 1 INBOX')).toEqual(['a NO [NOPERM] Not your right here']);
});

test('EXPUNGE removes what is \\Deleted, UID EXPUNGE only of the set', async () => {
  for (const number of [1, 2, 4]) folder.touch(at(number), { flags: FLAG.deleted });
  client.look();
  expect(await client.lines('UID EXPUNGE 2:3')).toEqual([
    '* 2 EXPUNGE',
    'a OK UID EXPUNGE completed',
  ]);
  client.session.enabled.add('QRESYNC');
  expect(await client.lines('EXPUNGE')).toEqual([
    '* VANISHED 1,4',
    `a OK [HIGHESTMODSEQ ${folder.highestModseq}] EXPUNGE completed`,
  ]);
});

test('EXPUNGE moves to the Trash if the settings say so, where nothing is \\Deleted; in the Trash it is final', async () => {
  const mover = new TestClient(mailboxes, { expungeToTrash: true, logDeletions: true });
  await mover.say('SELECT INBOX');
  await mover.say('STORE 2 +FLAGS.SILENT (\\Deleted \\Seen)');
  expect(await mover.lines('EXPUNGE')).toEqual(['* 2 EXPUNGE', 'a OK EXPUNGE completed']);
  const trash = mailboxes.folders.get('Trash')?.folder;
  expect(trash?.messages).toMatchObject([{ flags: FLAG.seen }]);
  expect(mover.logged).toEqual(['EXPUNGED, user=alice, folder=INBOX, uid=2, file=m2']);
  await mover.say('SELECT Trash');
  await mover.say('STORE 1 +FLAGS (\\Deleted)');
  expect(await mover.lines('EXPUNGE')).toContain('* 1 EXPUNGE');
  expect(trash?.messages).toEqual([]);
});

test('CLOSE expunges and says nothing, UNSELECT does not', async () => {
  folder.touch(at(1), { flags: FLAG.deleted });
  expect(await client.lines('UNSELECT')).toEqual(['a OK UNSELECT completed']);
  expect(folder.messages.length).toBe(4);
  await client.say('EXAMINE INBOX');
  await client.say('CLOSE');
  expect(folder.messages.length).toBe(4);
  await client.say('SELECT INBOX');
  expect(await client.lines('CLOSE')).toEqual(['a OK CLOSE completed']);
  expect(folder.messages.length).toBe(3);
  expect(client.session.view).toBeUndefined();
});

test('SELECT tells all there is to know', async () => {
  folder.touch(at(1), { flags: FLAG.seen });
  folder.keywords = ['work'];
  folder.add(MAIL);
  const answer = await client.lines('SELECT INBOX');
  expect(answer).toEqual([
    '* OK [CLOSED] Previous mailbox closed',
    '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work)',
    '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work \\*)] Flags that are kept',
    '* 5 EXISTS',
    '* 1 RECENT',
    '* OK [UNSEEN 2] First unseen message',
    '* OK [UIDVALIDITY 1700000000] UIDs valid',
    '* OK [UIDNEXT 6] Predicted next UID',
    `* OK [HIGHESTMODSEQ ${folder.highestModseq}] Highest mod-sequence`,
    '* OK [MAILBOXID (box1)] Identity of the mailbox',
    'a OK [READ-WRITE] SELECT completed',
  ]);
  client.session.enabled.add('IMAP4REV2');
  const second = await client.lines('EXAMINE INBOX');
  expect(second).toContain('* LIST () "/" INBOX');
  expect(second.filter((line) => /RECENT|UNSEEN/.test(line))).toEqual([]);
  expect(second).toContain('* OK [PERMANENTFLAGS ()] Flags that are kept');
  expect(second.at(-1)).toBe('a OK [READ-ONLY] EXAMINE completed');
});

test('SELECT says no message number to a client that has turned them off', async () => {
  expect((await client.say('SELECT INBOX')).toString()).toContain('[UNSEEN 1]');
  client.session.enabled.add('UIDONLY');
  expect((await client.say('SELECT INBOX')).toString()).not.toContain('UNSEEN');
});

test('a mailbox where the user may only read is selected read-only; one that fails leaves none selected', async () => {
  mailboxes.add('Shared', 'lr');
  expect((await client.lines('SELECT Shared')).at(-1)).toBe('a OK [READ-ONLY] SELECT completed');
  expect((await client.lines('SELECT None')).at(-1)).toMatch(/^a NO \[NONEXISTENT\]/);
  expect(client.session.view).toBeUndefined();
});

test('SELECT with QRESYNC tells what changed and vanished since, of the UIDs that the client knows', async () => {
  const since = folder.highestModseq;
  folder.touch(at(1), { gone: true });
  folder.touch(at(3), { gone: true });
  folder.touch(at(4), { flags: FLAG.seen });
  folder.touch(at(2), { flags: FLAG.flagged });
  const select = `SELECT INBOX (QRESYNC (${folder.uidValidity} ${since}`;
  expect((await client.lines(`${select}))`)).at(-1)).toEqual('a BAD QRESYNC is not enabled');
  client.session.enabled.add('QRESYNC');
  const told = async (rest: string) =>
    (await client.lines(`${select}${rest}))`)).filter((line) => /VANISHED|FETCH/.test(line));
  const second = `* 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (${at(2).modseq}))`;
  const fourth = `* 2 FETCH (UID 4 FLAGS (\\Seen) MODSEQ (${at(4).modseq}))`;
  expect(await told('')).toEqual(['* VANISHED (EARLIER) 1,3', second, fourth]);
  expect(await told(' 2:3')).toEqual(['* VANISHED (EARLIER) 3', second]);
  // Number 1 is UID 2 on both sides: all before it is known.
  expect(await told(' 1:4 (1,3 2,4)')).toEqual(['* VANISHED (EARLIER) 3', second, fourth]);
  expect(await told(' 1:4 (1:2 2,4)')).toEqual([second, fourth]);
  expect(await told(' 1:4 (1:4294967295 1:4294967295)')).toEqual([
    '* VANISHED (EARLIER) 1,3',
    second,
    fourth,
  ]);
  const other = await client.lines(`SELECT INBOX (QRESYNC (${folder.uidValidity + 1} 1))`);
  expect(other.filter((line) => /VANISHED|FETCH/.test(line))).toEqual([]);
});
