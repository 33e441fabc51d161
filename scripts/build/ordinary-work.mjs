// What the programs that start often do most: a dialogue for each, with what it needs on disk.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const lines = (...all) => all.map((line) => `${line}\r\n`).join('');

/** More than imapd reads by itself: its thread gets some, too. */
const MESSAGES = 400;

/** `prepare(home)` makes what the program needs in its home, which is where it runs; `input` becomes its standard input, a file. */
export const ORDINARY_WORK = [
  { program: 'imapd', args: () => ['Maildir'], prepare: makeMaildir, input: imapDialogue() },
  { program: 'qmail-pop3d', args: () => ['Maildir'], prepare: makeMaildir, input: pop3Dialogue() },
  {
    program: 'qmail-smtpd',
    args: () => [],
    prepare: makeControl,
    input: smtpDialogue(),
    env: (home) => ({ QMAILHOME: home, QMAILQUEUE: join(home, 'queue'), TCPREMOTEIP: '127.0.0.1' }),
  },
  {
    program: 'qmail-inject',
    args: () => ['user@example.net'],
    prepare: makeControl,
    input: message(5),
    env: (home) => ({ QMAILHOME: home, QMAILQUEUE: join(home, 'queue'), USER: 'user' }),
  },
  {
    program: 'qmail-local',
    args: (home) => ['user', home, 'user', '', '', 'example.net', 'from@example.org', './Maildir/'],
    prepare: makeMaildir,
    input: message(5),
  },
];

function makeMaildir(home) {
  const top = join(home, 'Maildir');
  for (const name of ['', 'cur', 'new', 'tmp']) mkdirSync(join(top, name));
  for (let i = 0; i < MESSAGES; i++) {
    const place = i % 3 === 0 ? `new/${1_700_000_000 + i}.M${i}P1.host` : `cur/${1_700_000_000 + i}.M${i}P1.host:2,${i % 2 ? 'S' : 'FS'}`;
    writeFileSync(join(top, place), message(i));
  }
}

function message(i) {
  const head = [
    `Return-Path: <sender${i}@example.org>`,
    `Received: from example.org by host; ${date(i)}`,
    `From: "Sender ${i % 7}" <sender${i % 7}@example.org>`,
    'To: user@example.net, =?iso-8859-1?q?J=FCrgen?= <other@example.net>',
    `Subject: ${i % 4 ? 'Re: ' : ''}=?utf-8?b?R3LDvMOfZQ==?= ${i % 9}`,
    `Date: ${date(i)}`,
    `Message-ID: <${i}@example.org>`,
    ...(i % 4 ? [`In-Reply-To: <${i - 1}@example.org>`, `References: <${i - 2}@example.org> <${i - 1}@example.org>`] : []),
    'MIME-Version: 1.0',
  ];
  const plain = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '', `Some words =3D ${i}.`];
  if (i % 5) return [...head, ...plain, ''].join('\n');
  return [
    ...head,
    'Content-Type: multipart/mixed; boundary="b"',
    '',
    '--b',
    ...plain,
    '--b',
    'Content-Type: text/html; name="page.html"',
    'Content-Disposition: attachment; filename="page.html"',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(`<p>Some words ${i}</p>`).toString('base64'),
    '--b--',
    '',
  ].join('\n');
}

function date(i) {
  return `${new Date(1_700_000_000_000 + i * 60_000).toUTCString().replace('GMT', '+0000')}`;
}

function makeControl(home) {
  mkdirSync(join(home, 'control'));
  writeFileSync(join(home, 'control/me'), 'host.example.net\n');
  writeFileSync(join(home, 'control/rcpthosts'), 'example.net\n');
  // In the place of qmail-queue: takes everything, keeps nothing.
  writeFileSync(join(home, 'queue'), '#!/bin/sh\ncat >/dev/null\ncat <&1 >/dev/null\n', { mode: 0o755 });
}

function pop3Dialogue() {
  return lines('CAPA', 'STAT', 'LIST', 'UIDL', 'RETR 1', 'RETR 2', 'TOP 3 0', 'DELE 4', 'QUIT');
}

function smtpDialogue() {
  return lines(
    'EHLO example.org',
    'MAIL FROM:<sender@example.org>',
    'RCPT TO:<user@example.net>',
    'RCPT TO:<user@example.com>',
    'DATA',
    message(5).replaceAll('\n', '\r\n'),
    '.',
    'QUIT',
  );
}

function imapDialogue() {
  const letter = message(1).replaceAll('\n', '\r\n');
  return lines(
    'a1 CAPABILITY',
    'a2 ID NIL',
    'a3 ENABLE CONDSTORE',
    'a4 NAMESPACE',
    'a5 LIST "" "*"',
    'a6 STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)',
    'a7 SELECT INBOX',
    'a8 FETCH 1:* (UID FLAGS)',
    'a9 FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE)',
    'b1 UID FETCH 1:20 (FLAGS BODY.PEEK[HEADER.FIELDS (From To Subject Date)])',
    'b2 UID FETCH 1:10 BODY.PEEK[]',
    'b3 UID SEARCH FROM "Sender 3"',
    'b4 SEARCH SUBJECT "words"',
    'b5 UID SEARCH BODY "words"',
    'b6 UID SEARCH UNSEEN',
    'b7 SORT (DATE) UTF-8 ALL',
    'b8 THREAD REFERENCES UTF-8 ALL',
    'b9 CREATE Other',
    'c1 UID COPY 1:5 Other',
    'c2 UID MOVE 6:9 Other',
    'c3 UID STORE 1:5 +FLAGS (\\Deleted)',
    'c4 EXPUNGE',
    `c5 APPEND Other (\\Seen) {${letter.length}}`,
    letter,
    'c6 NOOP',
    'c7 LIST "" "*" RETURN (STATUS (MESSAGES))',
    'c8 LOGOUT',
  );
}
