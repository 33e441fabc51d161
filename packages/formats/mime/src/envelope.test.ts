import { expect, test } from 'vitest';
import type { Address } from './index.ts';
import { ADDRESSES_MAX, FIELD_MAX, FIELDS_MAX } from './limits.ts';
import { parsed } from './testing/messages.ts';

const envelope = (header: string) => parsed(`${header}\n\n`).root.envelope;

/** A list in short: `name|route|mailbox|host`, `-` where IMAP says NIL. */
function short(list: readonly Address[] | undefined): string[] | undefined {
  return list?.map((a) => [a.name, a.route, a.mailbox, a.host].map((s) => s ?? '-').join('|'));
}

test('the envelope of RFC 3501, section 8', () => {
  const header = `Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev1 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII`;
  const terry = [
    { name: 'Terry Gray', route: undefined, mailbox: 'gray', host: 'cac.washington.edu' },
  ];
  expect(envelope(header)).toEqual({
    date: 'Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
    subject: 'IMAP4rev1 WG mtg summary and minutes',
    from: terry,
    sender: terry,
    replyTo: terry,
    to: [{ name: undefined, route: undefined, mailbox: 'imap', host: 'cac.washington.edu' }],
    cc: [
      { name: undefined, route: undefined, mailbox: 'minutes', host: 'CNRI.Reston.VA.US' },
      { name: 'John Klensin', route: undefined, mailbox: 'KLENSIN', host: 'MIT.EDU' },
    ],
    bcc: undefined,
    inReplyTo: undefined,
    messageId: '<B27397-0100000@cac.washington.edu>',
  });
});

test.each([
  ['joe@x.y', ['-|-|joe|x.y']],
  ['<joe@x.y>', ['-|-|joe|x.y']],
  ['Joe<joe@x.y>', ['Joe|-|joe|x.y']],
  ['"Joe, \\"Q\\" Public" <joe@x.y>', ['Joe, "Q" Public|-|joe|x.y']],
  ['John Q. Public <j@p>, J.R.R. Tolkien <t@t>', ['John Q. Public|-|j|p', 'J.R.R. Tolkien|-|t|t']],
  ['"Joe"   "Blow" (x) <j@p>', ['Joe Blow|-|j|p']],
  ['joe@x.y (Joe (the) Smith)', ['Joe (the) Smith|-|joe|x.y']],
  ['<joe@x.y> (Joe), (no) a@b', ['Joe|-|joe|x.y', 'no|-|a|b']],
  ['"a b"@c.d, a."b c".d@e', ['-|-|a b|c.d', '-|-|a.b c.d|e']],
  ['a@[1.2.3.4], a@[IPv6:::1]', ['-|-|a|[1.2.3.4]', '-|-|a|[IPv6:::1]']],
  ['joe @ example . org', ['-|-|joe|example.org']],
  ['Joe <@a,@b:c@d>', ['Joe|@a,@b|c|d']],
  ['<mailto:c@d>', ['-|-|mailto:c|d']],
  ['A Group:Ed <c@a>,joe@w;', ['-|-|A Group|-', 'Ed|-|c|a', '-|-|joe|w', '-|-|-|-']],
  ['Undisclosed recipients:;', ['-|-|Undisclosed recipients|-', '-|-|-|-']],
  ['G: a@b; H: c@d', ['-|-|G|-', '-|-|a|b', '-|-|-|-', '-|-|H|-', '-|-|c|d', '-|-|-|-']],
  ['a@b <c@d>', ['a@b|-|c|d']],
  ['=?utf-8?q?a=2C_b?= <x@y>', ['=?utf-8?q?a=2C_b?=|-|x|y']],
  ['J\xf6rg <j@x>', ['J\xf6rg|-|j|x']],
  [', a@b,, c@d,', ['-|-|a|b', '-|-|c|d']],
  ['a@b; c@d', ['-|-|a|b', '-|-|c|d']],
  ['joe, ann joe', ['-|-|joe|', '-|-|ann joe|']],
  ['<>', ['-|-||']],
  ['a@b@c, x@, @x', ['-|-|a@b|c', '-|-|x|', '-|-||x']],
  ['joe\\@x@y', ['-|-|joe@x|y']],
  ['Joe <a@b', ['Joe|-|a|b']],
  ['"Joe <a@b>', ['-|-|Joe <a@b>|']],
  ['(Joe a@b', undefined],
  ['a) <b@c>', ['a)|-|b|c']],
  ['[a <b@c>', ['-|-|[a <b@c>|']],
  [' (only a comment) ', undefined],
  ['', undefined],
])('the addresses of %j', (field, expected) => {
  expect(short(envelope(`To: ${field}`)?.to)).toEqual(expected);
});

test('an absent field is NIL, an empty one is empty, and sender and reply-to are those of from', () => {
  expect(envelope('X: y')).toEqual(
    Object.fromEntries(Object.keys(envelope('X: y') ?? {}).map((k) => [k, undefined])),
  );
  const empty = envelope(
    'Date:\nSubject: \nMessage-ID:\nIn-Reply-To:\nFrom: a@b\nSender:\nReply-To: ,',
  );
  expect(empty).toMatchObject({ date: '', subject: '', messageId: '', inReplyTo: '' });
  expect(empty?.sender).toBe(empty?.from);
  expect(empty?.replyTo).toBe(empty?.from);
});

test('of two fields with one name the first counts', () => {
  const found = envelope('From: a@b\nFrom: c@d\nSubject: 1\nSUBJECT: 2\nDate: x\nDate: y');
  expect(short(found?.from)).toEqual(['-|-|a|b']);
  expect(found).toMatchObject({ subject: '1', date: 'x' });
});

test('folding is undone, a NUL is 0x80, and what looks like a field inside another is none', () => {
  expect(envelope('Subject: a\n b\r\n\tTo: c\0d\r')?.subject).toBe('a b\tTo: c\x80d');
  expect(envelope('Subject: a\n To: x@y')?.to).toBeUndefined();
});

test('more addresses than the limit are left out, and a group ends all the same', () => {
  const list = envelope(`To: G:${'a,'.repeat(ADDRESSES_MAX * 2)}`)?.to ?? [];
  expect(list.length).toBe(ADDRESSES_MAX + 1);
  expect(list.at(-1)).toEqual({
    name: undefined,
    route: undefined,
    mailbox: undefined,
    host: undefined,
  });
});

test.each([
  ['comments in one another', '('.repeat(100_000)],
  ['closed comments in one another', `${'('.repeat(50_000)}${')'.repeat(50_000)} a@b`],
  ['quotes', '"'.repeat(100_000)],
  ['backslashes', '\\'.repeat(100_000)],
  ['angle brackets', '<'.repeat(100_000)],
  ['colons', ':'.repeat(100_000)],
  ['at signs', '@'.repeat(100_000)],
  ['brackets', '['.repeat(100_000)],
  ['blanks', `a${' '.repeat(100_000)}b`],
])('a field of 100,000 %s is read', (_, field) => {
  for (const name of [
    'To',
    'Content-Type',
    'Content-Disposition',
    'References',
    'Content-Language',
  ]) {
    expect(parsed(`${name}: ${field}\n\n`).size).toBeGreaterThan(100_000);
  }
});

test('of a field and of all fields only so much is kept', () => {
  const long = parsed(`Subject: ${'x'.repeat(FIELD_MAX * 2)}\nTo: a@b\n\n`).root.envelope;
  expect(long?.subject?.length).toBe(FIELD_MAX - 1);
  expect(long?.to).toHaveLength(1);
  const part = `--x\nContent-Description: ${'d'.repeat(FIELD_MAX - 100)}\n\n`;
  const many = parsed(
    `Content-Type: multipart/mixed; boundary=x\n\n${part.repeat(40)}--x--\n`,
  ).root;
  const kept = many.kind === 'multipart' ? many.parts.map((p) => p.description?.length ?? 0) : [];
  expect(kept).toHaveLength(40);
  expect(kept[0]).toBe(FIELD_MAX - 100);
  expect(kept.reduce((sum, length) => sum + length)).toBeLessThanOrEqual(FIELDS_MAX);
  expect(kept.at(-1)).toBe(0);
});
