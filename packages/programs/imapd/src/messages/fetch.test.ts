// FETCH: every item, the bytes of every section, and what happens when messages change or vanish under it.

import { truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { FLAG } from '@q/mailbox';
import { Disconnected } from '@q/session';
import fc from 'fast-check';
import { beforeEach, expect, test, vi } from 'vitest';
import { TestClient, TestMailboxes } from './testing/client.ts';
import { MemoryCache, type MemoryFolder } from './testing/folder.ts';

let mailboxes: TestMailboxes;
let folder: MemoryFolder;
let client: TestClient;

const PLAIN = 'From: a@b.c\nSubject: hi\nTo: d@e.f\n\none\ntwo\n';
/** As sent. */
const PLAIN_SIZE = PLAIN.replaceAll('\n', '\r\n').length;
const MULTI = [
  'From: a@b.c',
  'Subject: parts',
  'Content-Type: multipart/mixed; boundary=x',
  '',
  'preamble',
  '--x',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'caf=C3=A9=',
  ' and more',
  '--x',
  'Content-Type: application/octet-stream',
  'Content-Transfer-Encoding: base64',
  '',
  'AAEC/w==',
  '--x',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  '',
  'inside',
  '--x',
  'Content-Type: text/plain',
  'Content-Transfer-Encoding: x-none',
  '',
  'odd',
  '--x--',
  '',
].join('\n');

beforeEach(() => {
  mailboxes = new TestMailboxes();
  folder = mailboxes.add('INBOX');
  client = new TestClient(mailboxes);
});

async function selected(...texts: (string | Buffer)[]): Promise<void> {
  for (const text of texts) folder.add(text);
  folder.takeRecent();
  await client.say('SELECT INBOX');
}

test('the items that are facts', async () => {
  await selected(PLAIN);
  const { modseq } = folder.messages[0] as { modseq: number };
  expect(
    await client.lines('FETCH 1 (UID INTERNALDATE RFC822.SIZE EMAILID THREADID SAVEDATE MODSEQ)'),
  ).toEqual([
    `* OK [HIGHESTMODSEQ ${modseq}] Highest`,
    `* 1 FETCH (UID 1 INTERNALDATE " 2-Jan-1970 00:00:00 +0000" RFC822.SIZE ${PLAIN_SIZE} EMAILID (M1) THREADID (T1) SAVEDATE " 2-Jan-1970 00:00:01 +0000" MODSEQ (${modseq}))`,
    'a OK FETCH completed',
  ]);
  expect(client.session.enabled).toContain('CONDSTORE');
});

test('macros, ENVELOPE and BODYSTRUCTURE', async () => {
  await selected(PLAIN);
  const address = '((NIL NIL "a" "b.c"))';
  const envelope = `(NIL "hi" ${address} ${address} ${address} ((NIL NIL "d" "e.f")) NIL NIL NIL NIL)`;
  const [full] = await client.lines('FETCH 1 FULL');
  expect(full?.toLowerCase()).toContain(`envelope ${envelope} body (`.toLowerCase());
  const [structure] = await client.lines('FETCH 1 BODYSTRUCTURE');
  expect(structure).toMatch(
    /^\* 1 FETCH \(BODYSTRUCTURE \("TEXT" "PLAIN" .* NIL NIL "7BIT" 10 2 NIL NIL NIL NIL\)\)$/,
  );
  expect(await client.lines('FETCH 1 FAST')).toEqual([
    `* 1 FETCH (FLAGS () INTERNALDATE " 2-Jan-1970 00:00:00 +0000" RFC822.SIZE ${PLAIN_SIZE})`,
    'a OK FETCH completed',
  ]);
});

test('PREVIEW and SNIPPET are UTF-8: quoted where the client knows it, else a literal', async () => {
  await selected(PLAIN);
  expect(await client.say('FETCH 1 (PREVIEW SNIPPET)')).toBe(
    '* 1 FETCH (PREVIEW {4}\r\n\xc3\xa9 1 SNIPPET (FUZZY {4}\r\n\xc3\xa9 1))\r\na OK FETCH completed\r\n',
  );
  client.session.enabled.add('IMAP4REV2');
  expect(await client.lines('FETCH 1 PREVIEW (LAZY)')).toContain(
    '* 1 FETCH (PREVIEW "\xc3\xa9 1")',
  );
});

test.each([
  ['BODY.PEEK[]', 'BODY[]', MULTI],
  ['BODY.PEEK[HEADER]', 'BODY[HEADER]', MULTI.slice(0, MULTI.indexOf('preamble'))],
  ['BODY.PEEK[TEXT]', 'BODY[TEXT]', MULTI.slice(MULTI.indexOf('preamble'))],
  ['BODY.PEEK[1]', 'BODY[1]', 'caf=C3=A9=\n and more'],
  [
    'BODY.PEEK[2.MIME]',
    'BODY[2.MIME]',
    'Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n',
  ],
  ['BODY.PEEK[3]', 'BODY[3]', 'Subject: inner\n\ninside'],
  ['BODY.PEEK[3.HEADER]', 'BODY[3.HEADER]', 'Subject: inner\n\n'],
  ['BODY.PEEK[3.TEXT]', 'BODY[3.TEXT]', 'inside'],
  ['BODY.PEEK[3.1]', 'BODY[3.1]', 'inside'],
  [
    'BODY.PEEK[3.HEADER.FIELDS (subject x)]',
    'BODY[3.HEADER.FIELDS (subject x)]',
    'Subject: inner\n\n',
  ],
  [
    'BODY.PEEK[HEADER.FIELDS (Subject "to")]',
    'BODY[HEADER.FIELDS (Subject to)]',
    'Subject: parts\n\n',
  ],
  [
    'BODY.PEEK[HEADER.FIELDS.NOT (Content-Type from)]',
    'BODY[HEADER.FIELDS.NOT (Content-Type from)]',
    'Subject: parts\n\n',
  ],
  ['RFC822.HEADER', 'RFC822.HEADER', MULTI.slice(0, MULTI.indexOf('preamble'))],
  ['RFC822', 'RFC822', MULTI],
  ['RFC822.TEXT', 'RFC822.TEXT', MULTI.slice(MULTI.indexOf('preamble'))],
])('%s', async (asked, label, text) => {
  await selected(MULTI);
  folder.touch(folder.messages[0] as never, { flags: FLAG.seen });
  client.look();
  const sent = text.replaceAll('\n', '\r\n');
  expect(await client.say(`FETCH 1 ${asked}`)).toBe(
    `* 1 FETCH (${label} {${sent.length}}\r\n${sent})\r\na OK FETCH completed\r\n`,
  );
});

test('sections that a message has not are NIL', async () => {
  await selected(PLAIN);
  for (const section of ['2', '1.1', '1.HEADER', '9.MIME', Array(100).fill('1').join('.')])
    expect(await client.lines(`FETCH 1 BODY.PEEK[${section}]`)).toContain(
      `* 1 FETCH (BODY[${section}] NIL)`,
    );
  expect(await client.lines(`FETCH 1 BODY[${Array(5000).fill('1').join('.')}]`)).toEqual([
    'a BAD [LIMIT] Section too deep',
  ]);
  expect((await client.lines('FETCH 1 BODY[0]'))[0]).toMatch(/^a BAD/);
});

test('BINARY gives parts without their encoding, as literal8 where NULs are in them', async () => {
  await selected(MULTI);
  expect(await client.say('FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])')).toBe(
    '* 1 FETCH (BINARY.SIZE[1] 14 BINARY[1] {14}\r\ncaf\xc3\xa9 and more)\r\na OK FETCH completed\r\n',
  );
  expect(await client.say('FETCH 1 BINARY.PEEK[2]')).toBe(
    '* 1 FETCH (BINARY[2] ~{4}\r\n\x00\x01\x02\xff)\r\na OK FETCH completed\r\n',
  );
  expect(await client.say('FETCH 1 BINARY.PEEK[2]<1.2>')).toContain(
    'BINARY[2]<1> ~{2}\r\n\x01\x02)',
  );
});

test('an encoding that nobody knows is NO [UNKNOWN-CTE], and the other messages are given', async () => {
  await selected(MULTI, PLAIN);
  expect(await client.lines('FETCH 1:2 BINARY.PEEK[4]')).toEqual([
    '* 1 FETCH (BINARY[4] NIL)',
    '* 2 FETCH (BINARY[4] NIL)',
    'a NO [UNKNOWN-CTE] Unknown transfer encoding',
  ]);
});

test('a header field list of ten thousand names is refused, one of a thousand is served', async () => {
  await selected(PLAIN);
  expect(
    (await client.lines(`FETCH 1 BODY[HEADER.FIELDS (${Array(10_000).fill('x').join(' ')})]`))[0],
  ).toMatch(/^a BAD/);
  const names = Array(1000).fill('x').join(' ');
  expect(await client.say(`FETCH 1 BODY.PEEK[HEADER.FIELDS (${names})]`)).toContain(
    `(${names})] {2}\r\n\r\n)`,
  );
});

test('partials beyond the end are empty, of zero bytes BAD, of the largest numbers harmless', async () => {
  await selected(PLAIN);
  expect(await client.say('FETCH 1 BODY.PEEK[]<45.100>')).toContain('BODY[]<45> {4}\r\nwo\r\n)');
  expect(await client.say('FETCH 1 BODY.PEEK[]<49.1>')).toContain('BODY[]<49> {0}\r\n)');
  expect(await client.say('FETCH 1 BODY.PEEK[]<4294967295.4294967295>')).toContain(
    'BODY[]<4294967295> {0}\r\n)',
  );
  expect(await client.lines('FETCH 1 BODY[]<0.0>')).toEqual([expect.stringMatching(/^a BAD/)]);
  expect(await client.lines('FETCH 1 BODY[]<99999999999999999999.1>')).toEqual([
    expect.stringMatching(/^a BAD/),
  ]);
});

test('any part of any section of any message is what a naive reader would cut out', async () => {
  const line = fc.constantFrom(
    'x',
    '',
    'a: b',
    ' c',
    'longer line',
    '\r',
    'é\r',
    '--x',
    'Content-Type: text/plain',
  );
  const range = fc.record({ offset: fc.nat(120), count: fc.integer({ min: 1, max: 120 }) });
  const section = fc.constantFrom('', 'HEADER', 'TEXT', '1', 'HEADER.FIELDS (a)');
  const texts = fc.tuple(fc.array(line, { maxLength: 30 }), fc.nat(3));
  await fc.assert(
    fc.asyncProperty(texts, section, range, async ([lines, copies], name, { offset, count }) => {
      folder.messages = [];
      const text = Buffer.from(`${'a: 1\n'.repeat(copies)}${lines.join('\n')}`, 'utf8');
      const { uid } = folder.add(text);
      await client.say('SELECT INBOX');
      const whole = literalOf(await client.say(`UID FETCH ${uid} BODY.PEEK[${name}]`));
      const part = literalOf(
        await client.say(`UID FETCH ${uid} BODY.PEEK[${name}]<${offset}.${count}>`),
      );
      expect(part).toBe(whole.slice(offset, offset + count));
      if (name === '') expect(whole).toBe(text.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'));
    }),
    { numRuns: 200 },
  );
});

/** The bytes of the one literal of an answer: exactly as many as were announced, and then its end. */
function literalOf(answer: string): string {
  const found = /\{(\d+)\}\r\n/.exec(answer);
  if (found === null) return '';
  const start = found.index + found[0].length;
  const end = start + Number(found[1]);
  expect(answer.slice(end, end + 3)).toBe(')\r\n');
  return answer.slice(start, end);
}

test('a NUL in a message is told as another byte: a literal cannot have it', async () => {
  await selected('Subject: x\n\na\0b\n');
  expect(await client.say('FETCH 1 BODY.PEEK[TEXT]')).toContain('{5}\r\na\x80b\r\n)');
});

test('a large message goes out in pieces, never more than a chunk ahead of the client', async () => {
  const line = `${'x'.repeat(999)}\n`;
  await selected(`Subject: x\n\n${line.repeat(1000)}`, PLAIN);
  let sizes = 0;
  let largest = 0;
  const { session } = client;
  const { write } = session;
  session.write = (data) => {
    sizes += data.length;
    write(data);
  };
  client.onDrain = () => {
    largest = Math.max(largest, sizes);
    sizes = 0;
  };
  const answer = await client.say('FETCH 1:2 BODY.PEEK[]');
  expect(answer.length).toBeGreaterThan(1_000_000);
  expect(largest).toBeLessThan(200_000);
  expect(answer).toContain(line.replace('\n', '\r\n').repeat(1000));
  expect(session.counts.body).toBe(1_001_014 + PLAIN_SIZE);
});

test('what is read becomes \\Seen by one change for all, and that is told once, with the answer', async () => {
  await selected(PLAIN, PLAIN, PLAIN);
  folder.touch(folder.messages[1] as never, { flags: FLAG.seen });
  client.look();
  expect(await client.lines('FETCH 1:3 BODY[2]')).toEqual([
    '* 1 FETCH (BODY[2] NIL FLAGS (\\Seen))',
    '* 2 FETCH (BODY[2] NIL)',
    '* 3 FETCH (BODY[2] NIL FLAGS (\\Seen))',
    'a OK FETCH completed',
  ]);
  expect(folder.stores).toEqual([2]);
  expect(client.look()).toEqual([]);
});

test('looking at a message, EXAMINE, and a user without the right s change nothing', async () => {
  await selected(PLAIN);
  await client.say('FETCH 1 (BODY.PEEK[] BINARY.PEEK[1] RFC822.HEADER BINARY.SIZE[1])');
  await client.say('EXAMINE INBOX');
  await client.say('FETCH 1 (BODY[] RFC822)');
  const shared = mailboxes.add('Shared', 'lri');
  shared.add(PLAIN);
  await client.say('SELECT Shared');
  await client.say('FETCH 1 BODY[]');
  expect([folder.stores, shared.stores]).toEqual([[], []]);
});

test('a mailbox that cannot be written can be read', async () => {
  await selected(PLAIN);
  folder.before = (what) => {
    if (what === 'store') throw new Error('read-only file system');
  };
  expect(await client.lines('FETCH 1 BODY[2]')).toEqual([
    '* 1 FETCH (BODY[2] NIL)',
    'a OK FETCH completed',
  ]);
});

test('CHANGEDSINCE, VANISHED and PARTIAL choose messages', async () => {
  await selected(PLAIN, PLAIN, PLAIN, PLAIN);
  const since = folder.highestModseq;
  const [first, second, , fourth] = folder.messages;
  folder.touch(second as never, { gone: true });
  folder.touch(fourth as never, { flags: FLAG.flagged });
  client.look();
  expect(await client.lines(`FETCH 1:* FLAGS (CHANGEDSINCE ${since})`)).toEqual([
    `* OK [HIGHESTMODSEQ ${folder.highestModseq}] Highest`,
    `* 3 FETCH (FLAGS (\\Flagged) MODSEQ (${fourth?.modseq}))`,
    'a OK FETCH completed',
  ]);
  expect(await client.lines(`UID FETCH 1:* FLAGS (CHANGEDSINCE ${since} VANISHED)`)).toEqual([
    'a BAD VANISHED is for UID FETCH with QRESYNC enabled',
  ]);
  client.session.enabled.add('QRESYNC');
  expect(await client.lines(`UID FETCH 1:* FLAGS (CHANGEDSINCE ${since} VANISHED)`)).toEqual([
    '* VANISHED (EARLIER) 2',
    `* 3 FETCH (UID 4 FLAGS (\\Flagged) MODSEQ (${fourth?.modseq}))`,
    'a OK UID FETCH completed',
  ]);
  expect((await client.lines('UID FETCH 1:* UID (PARTIAL -1:-2)')).slice(0, -1)).toEqual([
    '* 2 FETCH (UID 3)',
    '* 3 FETCH (UID 4)',
  ]);
  expect((await client.lines('UID FETCH 1:* UID (PARTIAL 1:1)')).slice(0, -1)).toEqual([
    `* 1 FETCH (UID ${first?.uid})`,
  ]);
});

test('VANISHED (EARLIER) leaves out what the client still has in its numbers', async () => {
  await selected(PLAIN, PLAIN);
  client.session.enabled.add('QRESYNC').add('CONDSTORE');
  const since = folder.highestModseq;
  folder.touch(folder.messages[0] as never, { gone: true });
  expect(await client.lines(`UID FETCH 1:* UID (CHANGEDSINCE ${since} VANISHED)`)).toEqual([
    '* VANISHED 1',
    'a OK UID FETCH completed',
  ]);
});

test.each([
  ['ASCII', PLAIN],
  ['parts', MULTI],
  ['bytes that only some clients can be sent in quotes', PLAIN.replace('hi', 'gr\xfc\xdf "e"')],
])('what is remembered ready-made is sent as if it were made anew: %s', async (_, mail) => {
  await selected(Buffer.from(mail, 'utf8'));
  const command = 'FETCH 1 (BODYSTRUCTURE FLAGS ENVELOPE)';
  for (const utf8 of [false, true]) {
    if (utf8) client.session.enabled.add('UTF8=ACCEPT');
    const remembered = [await client.lines(command), await client.lines(command)];
    const spy = vi.spyOn(MemoryCache.prototype, 'rendering').mockReturnValue(undefined);
    const made = await client.lines(command);
    spy.mockRestore();
    expect(made[0]).toContain(' FLAGS (');
    expect(remembered).toEqual([made, made]);
  }
});

test('a message that vanished is left out with NO at the end; of a remembered one the facts are given', async () => {
  await selected(PLAIN, PLAIN, PLAIN);
  await client.say('FETCH 1:2 ENVELOPE');
  folder.touch(folder.messages[1] as never, { gone: true });
  expect((await client.lines('FETCH 2 (UID ENVELOPE)'))[0]).toMatch(/^\* 2 FETCH \(UID 2 ENVELOPE/);
  expect(await client.lines('FETCH 1:3 BODY.PEEK[2]')).toEqual([
    '* 1 FETCH (BODY[2] NIL)',
    '* 3 FETCH (BODY[2] NIL)',
    'a NO [EXPUNGEISSUED] Some of the messages are gone',
  ]);
  expect(await client.lines('UID FETCH 1:3 BODY.PEEK[2]')).toEqual([
    '* 1 FETCH (UID 1 BODY[2] NIL)',
    '* 3 FETCH (UID 3 BODY[2] NIL)',
    '* 2 EXPUNGE',
    'a OK UID FETCH completed',
  ]);
});

test('a message that cannot be read is NO at the end, and the others are given', async () => {
  await selected(PLAIN, PLAIN, PLAIN);
  unlinkSync(folder.path({ base: 'm2' }));
  expect(await client.lines('FETCH 1:3 BODY.PEEK[2]')).toEqual([
    '* 1 FETCH (BODY[2] NIL)',
    '* 3 FETCH (BODY[2] NIL)',
    'a NO [UNAVAILABLE] Some of the messages cannot be read',
  ]);
});

test('a file that was replaced is cut by what is in it now', async () => {
  await selected(PLAIN);
  await client.say('FETCH 1 BODYSTRUCTURE');
  writeFileSync(folder.path({ base: 'm1' }), MULTI);
  expect(await client.say('FETCH 1 BODY.PEEK[3.TEXT]')).toContain('BODY[3.TEXT] {6}\r\ninside)');
});

test('a literal that was announced and cannot be kept ends the connection', async () => {
  const large = `Subject: x\n\n${'0123456789\n'.repeat(30_000)}`;
  await selected(large, PLAIN);
  let drained = 0;
  client.onDrain = () => {
    if (++drained === 1) truncateSync(folder.path({ base: 'm1' }), 100_000);
  };
  await expect(client.say('FETCH 1:2 BODY.PEEK[]')).rejects.toBeInstanceOf(Disconnected);
});

test('items that are remembered open no file, and of a large mailbox make few writes', async () => {
  await selected(...Array.from({ length: 3000 }, () => PLAIN));
  await client.say('FETCH 1:* (ENVELOPE BODYSTRUCTURE)');
  let writes = 0;
  const { write } = client.session;
  client.session.write = (data) => {
    writes += 1;
    write(data);
  };
  const answer = await client.lines('FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)');
  expect(answer.length).toBe(3001);
  expect(writes).toBeLessThan(100);
  expect(folder.opens).toEqual([]);
});

test('files are read a few ahead, and none stays open when the client goes away', async () => {
  const open = () => folder.opens.length;
  await selected(...Array.from({ length: 200 }, () => PLAIN));
  client.onDrain = () => {
    throw new Disconnected();
  };
  await expect(client.say('FETCH 1:* BODY.PEEK[]')).rejects.toBeInstanceOf(Disconnected);
  expect(open()).toBeLessThan(100);
});

test('the header of a large message is had without reading the rest, however long it is', async () => {
  const long = `X-Long: ${'y'.repeat(20_000)}\n\n`;
  const body = `${'z'.repeat(200)}\n`.repeat(1000);
  await selected(`Subject: short\n\n${body}`, `Subject: long\n${long}${body}`, `Subject: none\n`);
  const answer = await client.say('FETCH 1:* BODY.PEEK[HEADER]');
  expect(answer).toContain('BODY[HEADER] {18}\r\nSubject: short\r\n\r\n)');
  expect(answer).toContain(`Subject: long\r\n${long.replaceAll('\n', '\r\n')})`);
  expect(answer).toContain('BODY[HEADER] {15}\r\nSubject: none\r\n)');
});
