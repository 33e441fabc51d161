// Messages in real Maildirs, for several clients of one process: what comes in comes out, and what others do to the files
// meanwhile hurts nobody.

import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { deliver, makeMaildir, type TestClient, TestHost } from '../mailboxes/testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

const MAIL = 'Subject: hello\n\nworld\n';
const literal = (text: string) => `{${text.length}+}\r\n${text}`;

/** The command so many times: first with the tag that say() gives it, then p1, p2 … */
function pipelined(command: string, times: number): string {
  return Array.from({ length: times }, (_, i) => (i === 0 ? command : `p${i} ${command}`)).join(
    '\r\n',
  );
}

async function selected(root: string, env = {}): Promise<TestClient> {
  const client = await host.client(root, env);
  const answer = await client.say('SELECT INBOX');
  if (answer.at(-1)?.startsWith('NO')) throw new Error(host.logged.join('\n'));
  expect(answer.at(-1)).toMatch(/^OK \[READ-WRITE\]/);
  return client;
}

const files = (dir: string, part: string) => readdirSync(join(dir, part)).sort();
const last = async (client: TestClient, command: string) => (await client.say(command)).at(-1);

test('a message that is appended is fetched as it was, whatever bytes it has', async () => {
  const client = await selected(makeMaildir());
  const line = fc.string({
    unit: fc.constantFrom('a', ' ', ':', '\xff', '\xe9', '.', '=', '-'),
    maxLength: 80,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 40 }), async (lines) => {
      const message = `${lines.join('\r\n')}\r\n`;
      expect(await last(client, `APPEND INBOX ${literal(message)}`)).toMatch(/^OK \[APPENDUID/);
      const answer = await client.say('UID FETCH * (RFC822.SIZE BODY.PEEK[])');
      const text = answer.slice(0, -1).join('\r\n');
      expect(text).toContain(
        `RFC822.SIZE ${message.length} BODY[] {${message.length}}\r\n${message})`,
      );
    }),
    { numRuns: 40 },
  );
});

test('flags, dates and keywords of APPEND are in the Maildir, and another session is told at once', async () => {
  const root = makeMaildir();
  const [client, other] = [await selected(root), await selected(root)];
  await client.say(
    `APPEND INBOX (\\Seen \\Flagged work) "12-Nov-2001 09:05:00 +0100" ${literal('a: b\r\n\r\n')}`,
  );
  expect(await other.say('NOOP')).toEqual([
    '* 1 EXISTS',
    expect.stringMatching(/^\* [01] RECENT$/),
    expect.stringMatching(/^OK/),
  ]);
  const [name = ''] = files(root, 'cur');
  expect(name).toMatch(/:2,FS$/);
  expect(lstatSync(join(root, 'cur', name)).mtimeMs).toBe(Date.UTC(2001, 10, 12, 8, 5));
  expect((await other.say('FETCH 1 (FLAGS INTERNALDATE)'))[0]).toMatch(
    /FLAGS \(\\Flagged \\Seen work(?: \\Recent)?\) INTERNALDATE "12-Nov-2001 08:05:00 \+0000"/,
  );
});

test('a message larger than any may be is refused before it is sent, and one that does not fit', async () => {
  const root = makeMaildir(['Full']);
  const client = await host.client(root, { IMAP_APPENDLIMIT: '1000', MAILDIRQUOTA: '600S' });
  expect(await last(client, 'APPEND INBOX {4294967295}')).toMatch(/^NO \[TOOBIG\]/);
  expect(await last(client, 'APPEND INBOX {700}')).toMatch(/^NO \[OVERQUOTA\]/);
  expect(await last(client, 'APPEND Nowhere {10}')).toMatch(/^NO \[TRYCREATE\]/);
  expect(await last(client, `APPEND INBOX ${literal('a: b\r\n')}`)).toMatch(/^OK/);
  expect(files(root, 'tmp').filter((name) => !name.startsWith('courier'))).toEqual([]);
});

test('a client that goes away in the middle of a message has left nothing', async () => {
  const root = makeMaildir();
  const client = await host.client(root);
  const input = client.say('APPEND INBOX {100+}\r\nSubject: x').catch(() => 'gone');
  await client.end();
  expect(await input).toBe('gone');
  expect([...files(root, 'tmp'), ...files(root, 'new'), ...files(root, 'cur')]).toEqual([]);
});

test('NUL in a message is NO, an empty one is NO, ten thousand in one command are NO [LIMIT]', async () => {
  const root = makeMaildir();
  const client = await host.client(root);
  expect(await last(client, `APPEND INBOX ${literal('a: \0\r\n')}`)).toMatch(/^NO/);
  expect(await last(client, 'APPEND INBOX {0+}\r\n')).toMatch(/^NO/);
  const many = Array(10_000).fill(literal('a: b\r\n')).join(' ');
  expect(await last(client, `APPEND INBOX ${many}`)).toMatch(/^(NO|BAD) \[(LIMIT|TOOBIG)\]/);
  expect(
    [...files(root, 'tmp'), ...files(root, 'cur')].filter((name) => name.includes('.M')),
  ).toEqual([]);
});

test('a copy is another name of the same file; a move is gone from here', async () => {
  const root = makeMaildir(['Other']);
  for (let i = 0; i < 3; i++) deliver(root, MAIL);
  const client = await selected(root);
  await client.say('STORE 2 +FLAGS.SILENT (\\Answered work)');
  expect(await last(client, 'COPY 1:2 Other')).toMatch(/^OK \[COPYUID \d+ 1:2 1:2\]/);
  const [inode] = files(root, 'cur').map((name) => lstatSync(join(root, 'cur', name)).ino);
  const copies = files(join(root, '.Other'), 'cur');
  expect(copies.map((name) => lstatSync(join(root, '.Other', 'cur', name)).ino)).toContain(inode);
  const moved = await client.say('UID MOVE 3 Other');
  expect(moved[0]).toMatch(/^\* OK \[COPYUID \d+ 3 3\]/);
  expect(moved.slice(1)).toEqual(['* 3 EXPUNGE', 'OK UID MOVE completed']);
  await client.say('SELECT Other');
  const flags = await client.say('FETCH 1:* FLAGS');
  expect(flags[1]).toContain('\\Answered work');
  expect(flags.length).toBe(4);
});

test('another client’s EXPUNGE takes nothing from a FETCH that is under way, and is told after it', async () => {
  const root = makeMaildir();
  for (let i = 0; i < 400; i++) deliver(root, `Subject: ${i}\n\n${'x'.repeat(3000)}\n`);
  const [reader, remover] = [await selected(root), await selected(root)];
  const reading = reader.say('FETCH 1:* (UID BODY.PEEK[HEADER])');
  await remover.say('STORE 1:400 +FLAGS.SILENT (\\Deleted)');
  const removing = remover.say('EXPUNGE');
  const answer = await reading;
  expect(answer.filter((line) => line.endsWith('EXPUNGE'))).toEqual([]);
  const given = answer.filter((line) => line.includes('UID ')).length;
  expect(answer.at(-1)).toMatch(given === 400 ? /^OK/ : /^NO \[EXPUNGEISSUED\]/);
  expect((await removing).filter((line) => line.endsWith('EXPUNGE')).length).toBe(400);
  const told = await reader.say('NOOP');
  expect(told.filter((line) => line.endsWith('EXPUNGE')).length).toBe(400);
  expect(await reader.say('FETCH 1:* UID')).toEqual(['OK FETCH completed']);
});

test('files that vanish, are replaced by a FIFO, a link or a directory are never waited for nor read', async () => {
  const root = makeMaildir();
  for (let i = 0; i < 6; i++) deliver(root, MAIL);
  const client = await selected(root);
  const paths = files(root, 'cur').map((name) => join(root, 'cur', name));
  const replace = (index: number, make: (path: string) => void) => {
    unlinkSync(paths[index] as string);
    make(paths[index] as string);
  };
  replace(1, () => {});
  replace(2, (path) => execFileSync('mkfifo', [path]));
  replace(3, (path) => symlinkSync('/nonexistent', path));
  replace(4, (path) => mkdirSync(path));
  const answer = await client.say('FETCH 1:6 (UID BODY.PEEK[TEXT])');
  expect(answer.filter((line) => /^\* \d FETCH/.test(line))).toEqual([
    '* 1 FETCH (UID 1 BODY[TEXT] {7}',
    '* 6 FETCH (UID 6 BODY[TEXT] {7}',
  ]);
  expect(answer.at(-1)).toMatch(/^NO/);
  expect(await last(client, 'FETCH 1 BODY.PEEK[TEXT]')).toMatch(/^OK/);
});

test('a client that reads nothing is sent no more than it takes, and the others go on', async () => {
  const root = makeMaildir();
  const text = `Subject: large\n\n${`${'x'.repeat(999)}\n`.repeat(200)}`;
  for (let i = 0; i < 10; i++) deliver(root, text);
  const stuck = await selected(root);
  const quick = await selected(root);
  let most = 0;
  stuck.holdBack();
  const flood = stuck.say(pipelined('FETCH 1:* BODY.PEEK[]', 3));
  for (let i = 0; i < 50; i++) {
    expect((await quick.say('FETCH 1 RFC822.SIZE')).length).toBe(2);
    await nextTurn();
    most = Math.max(most, stuck.unread);
  }
  expect(most).toBeLessThan(1_000_000);
  stuck.goOn();
  expect((await flood).length).toBeGreaterThan(10 * 200);
  const rest = await stuck.until((line) => line.startsWith('p2 '));
  expect(rest.length).toBeGreaterThan(2 * 10 * 200);
});

test('a thousand FETCHes of one message in one packet are answered in order', async () => {
  const root = makeMaildir();
  deliver(root, MAIL);
  const client = await selected(root);
  await client.say(pipelined('FETCH 1 (BODY.PEEK[])', 1000));
  const rest = await client.until((line) => line.startsWith('p999 '));
  const tags = rest
    .filter((line) => line.startsWith('p'))
    .map((line) => line.split(' ', 2).join(' '));
  expect(tags).toEqual(Array.from({ length: 999 }, (_, i) => `p${i + 1} OK`));
});

test('a client that comes back is told by QRESYNC what happened, also what other programs did', async () => {
  const root = makeMaildir();
  for (let i = 0; i < 5; i++) deliver(root, MAIL);
  const first = await selected(root);
  const select = await first.say('SELECT INBOX');
  const number = (name: string) => select.join('\n').match(new RegExp(`\\[${name} (\\d+)\\]`))?.[1];
  const known = `${number('UIDVALIDITY')} ${number('HIGHESTMODSEQ')}`;
  await first.end();
  const [, second = '', third = ''] = files(root, 'cur');
  unlinkSync(join(root, 'cur', second));
  linkSync(join(root, 'cur', third), join(root, 'cur', third.replace(/:2,.*/, ':2,F')));
  unlinkSync(join(root, 'cur', third));
  const client = await host.client(root);
  expect(await last(client, `SELECT INBOX (QRESYNC (${known}))`)).toMatch(/^BAD/);
  await client.say('ENABLE QRESYNC');
  const told = await client.say(`SELECT INBOX (QRESYNC (${known}))`);
  const changes = told.filter((line) => /VANISHED|FETCH/.test(line));
  expect(changes).toEqual([
    '* VANISHED (EARLIER) 2',
    expect.stringMatching(
      /^\* 2 FETCH \(UID 3 FLAGS \(\\Flagged(?: \\Recent)?\) MODSEQ \(\d+\)\)$/,
    ),
  ]);
});

test('EXPUNGE into the Trash, which is made for it, keeps the message', async () => {
  const root = makeMaildir();
  deliver(root, MAIL);
  const client = await selected(root, { IMAP_MOVE_EXPUNGE_TO_TRASH: '1', IMAP_LOG_DELETIONS: '1' });
  await client.say('STORE 1 +FLAGS.SILENT (\\Deleted)');
  expect(await client.say('EXPUNGE')).toEqual(['* 1 EXPUNGE', 'OK EXPUNGE completed']);
  const [kept = ''] = files(join(root, '.Trash'), 'cur');
  expect(readFileSync(join(root, '.Trash', 'cur', kept), 'latin1')).toBe(MAIL);
  expect(kept).toMatch(/:2,$/);
  expect(host.logged.join('\n')).toMatch(/EXPUNGED, user=alice, folder=INBOX, uid=1/);
});

test('REPLACE and CATENATE on real files', async () => {
  const root = makeMaildir(['Drafts']);
  deliver(join(root, '.Drafts'), 'Subject: draft\n\nfirst\n');
  const client = await host.client(root);
  await client.say('SELECT Drafts');
  const part = literal('second\r\n');
  const answer = await client.say(
    `UID REPLACE 1 Drafts (\\Draft) CATENATE (URL "/Drafts/;UID=1" TEXT ${part})`,
  );
  expect(answer).toEqual([
    expect.stringMatching(/^\* OK \[APPENDUID \d+ 2\]/),
    '* 1 EXPUNGE',
    '* 1 EXISTS',
    expect.stringMatching(/RECENT$/),
    'OK REPLACE completed',
  ]);
  const [name = ''] = files(join(root, '.Drafts'), 'cur');
  expect(readFileSync(join(root, '.Drafts', 'cur', name), 'latin1')).toBe(
    'Subject: draft\n\nfirst\nsecond\n',
  );
});

test('five thousand keywords, in one command or in many, are too many', async () => {
  const root = makeMaildir();
  deliver(root, MAIL);
  const client = await selected(root);
  const words = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `k${from + i}`).join(' ');
  expect(await last(client, `STORE 1 +FLAGS (${words(0, 5000)})`)).toMatch(/^BAD|^NO \[LIMIT\]/);
  expect(await last(client, `STORE 1 +FLAGS (${words(0, 900)})`)).toMatch(/^NO \[LIMIT\]/);
  let answer: string | undefined = 'OK';
  for (let at = 0; answer?.startsWith('OK') && at < 5000; at += 50)
    answer = await last(client, `STORE 1 +FLAGS.SILENT (${words(at, 50)})`);
  expect(answer).toMatch(/^NO \[LIMIT\]/);
  expect(await last(client, 'STORE 1 +FLAGS (../../etc/x)')).toMatch(/^(OK|NO \[LIMIT\])/);
  expect((await client.say('FETCH 1 FLAGS'))[0]).toContain('k0 ');
});
