// What somebody who has logged in may send to harm the server or others once a mailbox is open: numbers, sections,
// messages and keywords; against the running service. Each is answered, the session goes on, another one is served
// meanwhile, and nothing is held.
//
// Rows are those of the list of attacks, section C. Of these, elsewhere against the running service: J1 to J5 and J16 in
// attack-imap-names.test.ts; J6 and J15 in attack-imap-search.test.ts; J13 in attack-imap-changed.test.ts; J14 in
// attack-imap-access.test.ts; in imapd.test.ts of J9 a literal above the limit, one that breaks off and one with NUL, of
// J11 another word than DONE and the mailbox that is deleted, and J12's client that reads nothing.

import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Attack, AttackedHost, THREE } from './lib/imap/attack.ts';

let attacked: AttackedHost;

beforeAll(async () => {
  attacked = await AttackedHost.start(['--max', '300', '--max-per-ip', '300']);
  attacked.fill('Three', THREE);
  attacked.fill('Empty', {});
});
afterAll(() => attacked.remove());
afterEach(() => attacked.goesOn());

const NUMBERS: readonly Attack[] = [
  {
    row: 'J7',
    what: 'a set of 130 kB',
    send: `FETCH ${'1:4294967295,'.repeat(10_000)}1 UID`,
    answer: /^t BAD \[TOOBIG\]/,
  },
  {
    row: 'J7',
    what: 'a set of 60 kB is one of three messages',
    send: `UID FETCH ${'1:4294967295,'.repeat(4600)}1 UID`,
    answer: /^(?:\* [123] FETCH \(UID [123]\)\r\n){3}t OK/,
  },
  {
    row: 'J7',
    what: 'numbers of 20 digits',
    send: 'UID FETCH 99999999999999999999:* UID',
    answer: /^t BAD /,
  },
  { row: 'J7', what: '2^32', send: 'UID FETCH 4294967296 UID', answer: /^t BAD / },
  { row: 'J7', what: '0', send: 'FETCH 0 UID', answer: /^t BAD / },
  { row: 'J7', what: 'a message that is not there', send: 'FETCH 4 UID', answer: /^t BAD / },
  {
    row: 'J7',
    what: '*:1 is 1:*',
    send: 'FETCH *:1 UID',
    answer: /^(?:\* [123] FETCH \(UID [123]\)\r\n){3}t OK/,
  },
  {
    row: 'J7',
    what: '3:1 is 1:3',
    send: 'FETCH 3:1 UID',
    answer: /^(?:\* [123] FETCH \(UID [123]\)\r\n){3}t OK/,
  },
  {
    row: 'J7',
    what: 'STORE of a set of 130 kB',
    send: `STORE ${'1:4294967295,'.repeat(10_000)}1 FLAGS (x)`,
    answer: /^t BAD \[TOOBIG\]/,
  },
  {
    row: 'J7',
    what: 'COPY of UIDs nobody has',
    send: 'UID COPY 4294967295 Empty',
    answer: /^t OK/,
  },
  {
    row: 'J8',
    what: 'a part from the last byte there could be',
    send: 'FETCH 1 BODY.PEEK[]<4294967295.4294967295>',
    answer: /^\* 1 FETCH \(BODY\[\]<4294967295> \{0\}\r\n\)\r\nt OK/,
  },
  {
    row: 'J8',
    what: 'a part beyond 32 bits, which are 63',
    send: 'FETCH 1 BODY.PEEK[]<9007199254740991.1>',
    answer: /^\* 1 FETCH \(BODY\[\]<9007199254740991> \{0\}\r\n\)\r\nt OK/,
  },
  {
    row: 'J8',
    what: 'a part of 64 bits',
    send: 'FETCH 1 BODY.PEEK[]<0.18446744073709551617>',
    answer: /^t BAD /,
  },
  { row: 'J8', what: 'a part of nothing', send: 'FETCH 1 BODY.PEEK[]<0.0>', answer: /^t BAD / },
  {
    row: 'J8',
    what: 'a section 5,000 deep',
    send: `FETCH 1 BODY.PEEK[1${'.1'.repeat(4999)}]`,
    answer: /^t BAD /,
  },
  {
    row: 'J8',
    what: 'a section 90 deep',
    send: `FETCH 1 BODY.PEEK[1${'.1'.repeat(89)}]`,
    answer: /^\* 1 FETCH \(BODY\[1(?:\.1){89}\] (?:NIL|"")\)\r\nt OK/,
  },
  { row: 'J8', what: 'section 0', send: 'FETCH 1 BODY.PEEK[0]', answer: /^t BAD / },
  {
    row: 'J8',
    what: 'a section of 20 digits',
    send: 'FETCH 1 BODY.PEEK[99999999999999999999]',
    answer: /^t BAD /,
  },
  {
    row: 'J8',
    what: '10,000 header fields',
    send: `FETCH 1 BODY.PEEK[HEADER.FIELDS (${'x '.repeat(10_000).trim()})]`,
    answer: /^t BAD \[LIMIT\]/,
  },
  {
    row: 'J8',
    what: 'the same item 10,000 times',
    send: `FETCH 1 (${'UID '.repeat(10_000).trim()})`,
    answer: /^t BAD \[LIMIT\]/,
  },
  {
    row: 'J10',
    what: '5,000 keywords at once',
    send: `STORE 1 +FLAGS (${Array.from({ length: 5000 }, (_, i) => `k${i}`).join(' ')})`,
    answer: /^t BAD \[LIMIT\]/,
  },
  {
    row: 'J10',
    what: 'more keywords than a mailbox may have',
    send: `STORE 1 +FLAGS (${Array.from({ length: 900 }, (_, i) => `k${i}`).join(' ')})`,
    answer: /^t NO \[LIMIT\]/,
  },
  {
    row: 'J10',
    what: 'a keyword that is a path',
    send: 'STORE 1 +FLAGS (../../x)',
    answer: /\* 1 FETCH \(FLAGS \([^)]*\.\.\/\.\.\/x[^)]*\)\)\r\nt OK/,
  },
  {
    row: 'J10',
    what: 'a flag nobody knows',
    send: 'STORE 1 +FLAGS (\\Foo)',
    answer: /^t (?:BAD|NO) /,
  },
  {
    row: 'J10',
    what: 'a keyword of 10 kB',
    send: `STORE 1 +FLAGS (${'k'.repeat(10_000)})`,
    answer: /^t (?:BAD|NO \[LIMIT\]) /,
  },
  {
    row: 'J10',
    what: 'a keyword of letters above ASCII',
    send: 'STORE 1 +FLAGS (\xc3\xa9)',
    answer: /^t BAD /,
  },
  {
    row: 'J10',
    what: '$ alone',
    send: 'STORE 1 +FLAGS ($)',
    answer: /^(?:\* 1 FETCH .*\r\n)?t (?:OK|BAD)/,
  },
];

test.each(NUMBERS)('$row: $what', async (attack) => {
  expect(await attacked.answer('SELECT Three')).toContain('* 3 EXISTS');
  await attacked.withstands(attack);
});

const APPENDS: readonly Attack[] = [
  {
    row: 'J9',
    what: 'a message of 4 GiB',
    send: 'APPEND Empty {4294967295}',
    answer: /^t NO \[TOOBIG\]/,
  },
  {
    row: 'J9',
    what: 'a message of 2^64+1 bytes, which is no 1',
    send: 'APPEND Empty {18446744073709551617}',
    answer: /^t BAD /,
  },
  { row: 'J9', what: 'an empty message', send: 'APPEND Empty {0+}\r\n', answer: /^t NO / },
  {
    row: 'J9',
    what: 'a date that is none',
    send: 'APPEND Empty "99-Foo-2020 99:99:99 +9999" {5+}\r\na:b\r\n',
    answer: /^t BAD /,
  },
  {
    row: 'J9',
    what: 'a date before all files',
    send: 'APPEND Empty "01-Jan-0001 00:00:00 +0000" {5+}\r\na:b\r\n',
    answer: /^t (?:OK|NO|BAD) /,
  },
  {
    row: 'J9',
    what: '10,000 messages in one command',
    send: `APPEND Empty${' {5+}\r\na:b\r\n'.repeat(10_000)}`,
    answer: /^t (?:NO|BAD) \[(?:LIMIT|TOOBIG)\]/,
  },
  {
    row: 'J9',
    what: 'a message of a thousand copies of others',
    send: `APPEND Empty CATENATE (${'URL "/Three/;UID=1" '.repeat(999).trim()})`,
    answer: /^t (?:OK|NO|BAD) /,
  },
  {
    row: 'J9',
    what: 'URLs that are none',
    send: 'APPEND Empty CATENATE (URL "/../../etc/;UID=1" URL "imap://evil/INBOX/;UID=1")',
    answer: /^t NO \[BADURL /,
  },
];

describe('APPEND', () => {
  test.each(APPENDS)('$row: $what', async (attack) => {
    await attacked.withstands(attack);
    expect(spools()).toEqual([]);
  });

  test('J9: 8-bit text comes back as it was', async () => {
    expect(await attacked.answer('APPEND Empty {8+}\r\na:\xe9\xff\r\n\r\n')).toMatch(/^t OK/);
    await attacked.answer('SELECT Empty');
    expect(await attacked.answer('FETCH * BODY.PEEK[]')).toContain('{8}\r\na:\xe9\xff\r\n\r\n)');
  });

  test('J9: beyond the quota none of the bytes is asked for', async () => {
    const file = join(attacked.host.maildir('ann'), 'maildirsize');
    writeFileSync(file, '5000S\n100 1\n');
    attacked.own(file);
    try {
      const talk = await attacked.logIn();
      expect(await attacked.answer('APPEND Empty {6000}', talk)).toMatch(/^t NO \[OVERQUOTA\]/);
      talk.destroy();
      expect(spools()).toEqual([]);
    } finally {
      rmSync(file);
    }
  });

  const spools = () =>
    readdirSync(join(attacked.host.maildir('ann'), '.Empty/tmp')).filter(
      (name) => name !== 'courier.lock',
    );
});

test('J11: a hundred sessions in IDLE are told of a message, and cost little', async () => {
  const idlers = await Promise.all(Array.from({ length: 100 }, () => attacked.logIn()));
  for (const idler of idlers) idler.send('s SELECT INBOX\ni IDLE\n');
  await Promise.all(idlers.map((idler) => idler.until(/\+ idling\r\n/)));
  attacked.host.put('ann', '1600000009.idle.test', 'Subject: wake up\n\n');
  await Promise.all(idlers.map((idler) => idler.until(/\* [0-9]+ EXISTS\r\n/)));
  await attacked.goesOn();
  attacked.staysSmall();
  for (const idler of idlers) idler.destroy();
});

test('J12: a thousand messages asked for at once come in order', async () => {
  await attacked.answer('SELECT Three');
  const { attacker } = attacked;
  attacker.socket.pause();
  attacker.sendRaw(
    Array.from({ length: 1000 }, (_, i) => `f${i} FETCH 1 (BODY.PEEK[])\r\n`).join(''),
  );
  await attacked.goesOn();
  attacker.socket.resume();
  const got = await attacker.until(/^f999 .*\r\n/m);
  expect(got.match(/^f[0-9]+ OK/gm)).toEqual(Array.from({ length: 1000 }, (_, i) => `f${i} OK`));
  attacked.staysSmall();
});
