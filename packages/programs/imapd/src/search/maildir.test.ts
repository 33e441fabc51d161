// SEARCH, SORT and THREAD on real Maildirs, through the reader, the dispatcher and the cache.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deliver, makeMaildir, type TestClient, TestHost } from '../mailboxes/testing/client.ts';

let host: TestHost;
let root: string;
beforeEach(() => {
  host = new TestHost();
  root = makeMaildir();
});
afterEach(async () => {
  await host.end();
  rmSync(join(root, '..'), { recursive: true, force: true });
});

async function selected(): Promise<TestClient> {
  const client = await host.client(root);
  const say = client.say.bind(client);
  // A slow machine tells how far a search has come.
  client.say = async (command) =>
    (await say(command)).filter((line) => !line.startsWith('* OK [INPROGRESS '));
  await client.say('SELECT INBOX');
  return client;
}

const MAILS = [
  'Message-ID: <a@x>\nFrom: Zoe <z@x>\nSubject: plans\nDate: 1 Jan 2020 10:00 +0000\n\nlunch\n',
  'Message-ID: <b@x>\nReferences: <a@x>\nFrom: al@x\nSubject: Re: plans\nDate: 3 Jan 2020 10:00 +0000\n\nat the =C3=89t=C3=A9?\n',
  'Message-ID: <c@x>\nIn-Reply-To: <a@x>\nFrom: =?utf-8?q?=C3=84nne?= <m@x>\nSubject: =?utf-8?b?w4l0w6k=?=\nDate: 2 Jan 2020 10:00 +0000\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nat the =C3=89t=C3=A9!\n',
];

test('answers are the same when the cache is cold, warm and from an earlier process', async () => {
  for (const mail of MAILS) deliver(root, mail);
  const commands = [
    ['SEARCH SUBJECT plans', '* SEARCH 1 2'],
    ['SEARCH CHARSET UTF-8 SUBJECT "été"', '* SEARCH 3'],
    ['SEARCH CHARSET UTF-8 BODY "ÉTÉ"', '* SEARCH 3'],
    ['SEARCH CHARSET ISO-8859-1 TEXT {3+}\r\n\xe9t\xe9', '* SEARCH 3'],
    ['SEARCH BODY lunch SENTON 1-Jan-2020', '* SEARCH 1'],
    ['SORT (DATE) UTF-8 ALL', '* SORT 1 3 2'],
    ['SORT (FROM) UTF-8 ALL', '* SORT 2 3 1'],
    ['SORT (DISPLAYFROM) UTF-8 ALL', '* SORT 2 3 1'],
    ['THREAD REFERENCES UTF-8 ALL', '* THREAD (1 (3)(2))'],
    ['THREAD ORDEREDSUBJECT UTF-8 ALL', '* THREAD (1 2)(3)'],
    ['SEARCH RETURN (MIN COUNT) FROM x', '* ESEARCH (TAG "t") MIN 1 COUNT 3'],
  ] as const;
  const answers = async (client: TestClient) => {
    const given: (string | undefined)[] = [];
    for (const [command] of commands) {
      const bytes = command.includes('{') ? command : Buffer.from(command).toString('latin1');
      const quotable = bytes.replace(
        /"([^"]*[\x80-\xff][^"]*)"/,
        (_, text: string) => `{${text.length}+}\r\n${text}`,
      );
      given.push((await client.say(quotable))[0]?.replace(/"t[0-9]+"/, '"t"'));
    }
    return given;
  };
  const expected = commands.map(([, answer]) => answer);
  const first = await selected();
  expect(await answers(first)).toEqual(expected);
  expect(await answers(first)).toEqual(expected);
  await host.stop();
  host = new TestHost();
  expect(await answers(await selected())).toEqual(expected);
});

test('a result that is kept up to date hears of deliveries and of what other sessions do, in IDLE too', async () => {
  for (const mail of MAILS) deliver(root, mail);
  const client = await selected();
  const other = await selected();
  expect(await client.say('UID SEARCH RETURN (UPDATE COUNT) UNSEEN BODY lunch')).toEqual([
    '* ESEARCH (TAG "t2") UID COUNT 1',
    'OK SEARCH completed',
  ]);
  deliver(root, 'Subject: new\n\nlunch\n');
  deliver(root, 'Subject: newer\n\ndinner\n');
  const update = async () => (await client.until((line) => line.includes('ESEARCH'))).at(-1);
  // Messages are read for it when the command is answered.
  await client.say('NOOP');
  expect(await update()).toBe('* ESEARCH (TAG "t2") UID ADDTO (0 4)');
  // Its own change, though nothing is told of that.
  expect(await client.say('STORE 4 +FLAGS.SILENT (\\Seen)')).toEqual(['OK STORE completed']);
  expect(await update()).toBe('* ESEARCH (TAG "t2") UID REMOVEFROM (0 4)');
  client.type('i IDLE');
  await client.until((line) => line.startsWith('+ '));
  await other.say('UID STORE 4 -FLAGS (\\Seen)');
  expect(await update()).toBe('* ESEARCH (TAG "t2") UID ADDTO (0 4)');
  await other.say('UID STORE 1 +FLAGS.SILENT (\\Deleted)');
  await other.say('EXPUNGE');
  const heard = await client.until((line) => line.includes('EXPUNGE'));
  expect(heard.slice(-2)).toEqual(['* ESEARCH (TAG "t2") UID REMOVEFROM (0 1)', '* 1 EXPUNGE']);
  client.type('DONE');
  await client.until((line) => line.startsWith('i OK'));
  await client.say('CANCELUPDATE "t2"');
  deliver(root, 'Subject: newest\n\nlunch\n');
  await client.say('NOOP');
  expect((await client.say('NOOP')).join()).not.toContain('ESEARCH');
});

test('another mailbox ends it', async () => {
  deliver(root);
  const client = await selected();
  await client.say('SEARCH RETURN (UPDATE) UNSEEN');
  await client.say('SELECT INBOX');
  deliver(root);
  expect((await client.say('NOOP')).join()).not.toContain('ESEARCH');
  // So its tag is free again.
  expect((await client.say('SEARCH RETURN (UPDATE) UNSEEN')).at(-1)).toBe('OK SEARCH completed');
});

test('what is saved by one command is used by the next', async () => {
  for (const mail of MAILS) deliver(root, mail);
  const client = await selected();
  expect(await client.say('SEARCH RETURN (SAVE) SUBJECT plans')).toEqual([
    'OK SEARCH completed, result saved',
  ]);
  expect((await client.say('STORE $ +FLAGS (\\Flagged)')).length).toBe(3);
  expect((await client.say('SEARCH FLAGGED'))[0]).toBe('* SEARCH 1 2');
  await client.say('SELECT INBOX');
  expect((await client.say('SEARCH $'))[0]).toBe('* SEARCH');
});

test('a message whose file another program removed is in no answer', async () => {
  for (const mail of MAILS) deliver(root, mail);
  const client = await selected();
  expect((await client.say('SORT (DATE) UTF-8 BODY t'))[0]).toBe('* SORT 3 2');
  const [, second = ''] = readdirSync(join(root, 'cur')).sort();
  rmSync(join(root, 'cur', second));
  expect(await client.say('SEARCH BODY t')).toEqual(['* SEARCH 3', 'OK SEARCH completed']);
  expect(await client.say('UID SEARCH BODY t')).toEqual([
    '* SEARCH 3',
    '* 2 EXPUNGE',
    'OK SEARCH completed',
  ]);
  expect((await client.say('SEARCH BODY t'))[0]).toBe('* SEARCH 2');
});
