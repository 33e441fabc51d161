// What a client is told of its mailbox, and when its message numbers change.

import { FLAG } from '@q/mailbox';
import { beforeEach, expect, test } from 'vitest';
import { TestClient, TestMailboxes } from './messages/testing/client.ts';
import type { MemoryFolder } from './messages/testing/folder.ts';

let mailboxes: TestMailboxes;
let folder: MemoryFolder;
let client: TestClient;

const MAIL = 'Subject: one\n\nbody\n';

beforeEach(async () => {
  mailboxes = new TestMailboxes();
  folder = mailboxes.add('INBOX');
  for (let i = 0; i < 5; i++) folder.add(MAIL);
  client = new TestClient(mailboxes);
  await client.say('SELECT INBOX');
});

test('message numbers stay what they are during FETCH and STORE, and change with the next command that may tell', async () => {
  folder.touch(folder.messages[1] as never, { gone: true });
  expect(await client.lines('FETCH 3:4 UID')).toEqual([
    '* 3 FETCH (UID 3)',
    '* 4 FETCH (UID 4)',
    'a OK FETCH completed',
  ]);
  expect(client.look()).toEqual(['* 2 EXPUNGE']);
  expect(await client.lines('FETCH 3 UID')).toEqual(['* 3 FETCH (UID 4)', 'a OK FETCH completed']);
});

test('of several gone each EXPUNGE has the number that holds when it is read', () => {
  for (const index of [3, 1, 0]) folder.touch(folder.messages[index] as never, { gone: true });
  expect(client.look()).toEqual(['* 4 EXPUNGE', '* 2 EXPUNGE', '* 1 EXPUNGE']);
});

test('a client of QRESYNC is told UIDs, in ranges', () => {
  client.session.enabled.add('QRESYNC');
  for (const message of [...folder.messages].slice(1, 4)) folder.touch(message, { gone: true });
  expect(client.look()).toEqual(['* VANISHED 2:4']);
});

test('new messages are told with EXISTS and RECENT, once, and not by RECENT in IMAP4rev2', () => {
  folder.add(MAIL);
  expect(client.look()).toEqual(['* 6 EXISTS', '* 6 RECENT']);
  expect(client.look()).toEqual([]);
  client.session.enabled.add('IMAP4REV2');
  folder.add(MAIL);
  expect(client.look()).toEqual(['* 7 EXISTS']);
});

test('who comes second has no recent messages', async () => {
  const second = new TestClient(mailboxes);
  expect(await second.lines('SELECT INBOX')).toContain('* 0 RECENT');
  expect(await client.lines('FETCH 1 FLAGS')).toEqual([
    '* 1 FETCH (FLAGS (\\Recent))',
    'a OK FETCH completed',
  ]);
  expect(await second.lines('FETCH 1 FLAGS')).toContain('* 1 FETCH (FLAGS ())');
});

test('changed flags are told by number after those gone were', () => {
  const [first, , third] = folder.messages;
  folder.touch(third as never, { flags: FLAG.flagged, keywords: ['work'] });
  folder.touch(first as never, { gone: true });
  expect(client.look()).toEqual(['* 1 EXPUNGE', '* 2 FETCH (FLAGS (\\Flagged work \\Recent))']);
});

test('MODSEQ comes with CONDSTORE, UID with QRESYNC, UIDFETCH with UIDONLY', () => {
  const [first] = folder.messages;
  client.session.enabled.add('CONDSTORE');
  folder.touch(first as never, { flags: FLAG.seen });
  expect(client.look()).toEqual([`* 1 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (${first?.modseq}))`]);
  client.session.enabled.add('QRESYNC');
  folder.touch(first as never, { flags: 0 });
  expect(client.look()).toEqual([`* 1 FETCH (UID 1 FLAGS (\\Recent) MODSEQ (${first?.modseq}))`]);
  client.session.enabled.add('UIDONLY');
  folder.touch(folder.messages[4] as never, { flags: FLAG.seen });
  folder.touch(first as never, { gone: true });
  expect(client.look()).toEqual([
    '* VANISHED 1',
    `* 5 UIDFETCH (FLAGS (\\Seen \\Recent) MODSEQ (${folder.messages[3]?.modseq}))`,
  ]);
});

test('when the folder has forgotten what changed, all is compared and the same is told', () => {
  folder.memory = 0;
  folder.touch(folder.messages[0] as never, { gone: true });
  folder.touch(folder.messages[2] as never, { flags: FLAG.answered });
  folder.add(MAIL);
  expect(client.look()).toEqual([
    '* 1 EXPUNGE',
    '* 5 EXISTS',
    '* 5 RECENT',
    '* 3 FETCH (FLAGS (\\Answered \\Recent))',
  ]);
  expect(client.look()).toEqual([]);
});

test('a message that came and went unseen is never told', () => {
  folder.touch(folder.add(MAIL), { gone: true });
  expect(client.look()).toEqual([]);
  folder.add(MAIL);
  expect(client.look()).toEqual(['* 6 EXISTS', '* 6 RECENT']);
});

test('listeners hear of those gone while their numbers hold, and of the others afterwards', () => {
  const heard: string[] = [];
  const { view } = client.session;
  const end = view?.onTold(({ arrived, changed, expunged }) => {
    const gone = expunged.map((message) => view.numberOf(message));
    heard.push(`${gone} | ${arrived.map(({ uid }) => uid)} | ${changed.map(({ uid }) => uid)}`);
  });
  folder.touch(folder.messages[1] as never, { gone: true });
  folder.touch(folder.messages[0] as never, { flags: FLAG.seen });
  folder.add(MAIL);
  client.look();
  end?.();
  folder.add(MAIL);
  client.look();
  expect(heard).toEqual(['2 |  | ', ' | 6 | 1']);
});

test.each([
  ['1:*', [1, 2, 3, 4, 5]],
  ['*:1', [1, 2, 3, 4, 5]],
  ['3:1', [1, 2, 3]],
  ['*', [5]],
  ['5,1:2,2:3', [1, 2, 3, 5]],
])('the set %s is the messages %j', async (set, uids) => {
  const answer = await client.lines(`FETCH ${set} UID`);
  expect(answer.slice(0, -1)).toEqual(uids.map((uid) => `* ${uid} FETCH (UID ${uid})`));
});

test('a number that no message has is BAD, a UID that none has is nothing', async () => {
  expect(await client.lines('FETCH 6 UID')).toEqual(['a BAD No message with this number']);
  expect(await client.lines('FETCH 4:4294967295 UID')).toEqual([
    'a BAD No message with this number',
  ]);
  expect(await client.lines('UID FETCH 6:4294967295 UID')).toEqual(['a OK UID FETCH completed']);
  expect(await client.lines('UID FETCH 9:* UID')).toEqual([
    '* 5 FETCH (UID 5)',
    'a OK UID FETCH completed',
  ]);
});

test('numbers that are none, or beyond 32 bits, are BAD', async () => {
  for (const set of ['0', '1:0', '4294967296', '99999999999999999999:*', '1,,2', '1:2:3'])
    expect(await client.lines(`FETCH ${set} UID`)).toEqual(['a BAD Invalid sequence set']);
});

test('four thousand times the same endless range is one range', async () => {
  const set = Array(4000).fill('1:4294967295').join(',');
  expect((await client.lines(`UID FETCH ${set} UID`)).length).toBe(6);
});

test('in an empty mailbox 1:* is nothing', async () => {
  mailboxes.add('Empty');
  await client.say('SELECT Empty');
  expect(await client.lines('FETCH 1:* UID')).toEqual(['a OK FETCH completed']);
  expect(await client.lines('FETCH 1 UID')).toEqual(['a BAD No message with this number']);
});

test('with UIDONLY message numbers are refused, and UIDs are told as numbers', async () => {
  client.session.enabled.add('UIDONLY');
  expect(await client.lines('FETCH 1 FLAGS')).toEqual([
    'a BAD [UIDREQUIRED] Message numbers are turned off',
  ]);
  expect(await client.lines('UID FETCH 2 FLAGS')).toEqual([
    '* 2 UIDFETCH (FLAGS (\\Recent))',
    'a OK UID FETCH completed',
  ]);
});

test('$ is the last search result', async () => {
  client.session.savedResult = [
    [2, 2],
    [4, 9],
  ];
  expect((await client.lines('FETCH $ UID')).slice(0, -1)).toEqual([
    '* 2 FETCH (UID 2)',
    '* 4 FETCH (UID 4)',
    '* 5 FETCH (UID 5)',
  ]);
});

test('what was given out as the messages of the view does not grow when new ones come', () => {
  const { view } = client.session;
  const messages = view?.messages ?? [];
  folder.add(MAIL);
  expect(messages.length).toBe(5);
  expect(view?.messages.length).toBe(5);
  client.look();
  folder.add(MAIL);
  expect(view?.messages.length).toBe(6);
});
