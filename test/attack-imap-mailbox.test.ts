// What somebody who has logged in may send to harm the server or others once a mailbox is open: numbers, sections,
// messages, keywords, access lists, and files put under the server's feet; against the running service. Each is
// answered, the session goes on, another one is served meanwhile, and nothing is held.
//
// Rows are those of the list of attacks, section C. Of these, elsewhere against the running service: J1 to J5 and J16 in
// attack-imap-names.test.ts; J6 and J15 in attack-imap-search.test.ts; in imapd.test.ts of J9 a literal above the limit,
// one that breaks off and one with NUL, of J11 another word than DONE and the mailbox that is deleted, and J12's client
// that reads nothing.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Attack, AttackedHost } from './lib/imap/attack.ts';
import { isRoot } from './lib/run.ts';

let attacked: AttackedHost;

/** Three messages, by the names of their files. */
const THREE = {
  '1600000001.a.test:2,': 'Subject: one\n\nbody\n',
  '1600000002.b.test:2,': 'Subject: two\n\nbody\n',
  '1600000003.c.test:2,': 'Subject: three\n\nbody\n',
};

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

describe('J13: what others do to a mailbox while it is read', () => {
  const body = `Subject: large\n\n${'0123456789abcde\n'.repeat(20_000)}`;
  const many = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`16000000${i}.m.test:2,`, body]),
  );
  const all = 'f FETCH 1:* (UID BODY.PEEK[])\n';

  test.each([
    ['DELETE', (folder: string) => `t DELETE ${folder}\n`],
    ['RENAME', (folder: string) => `t RENAME ${folder} Gone${folder}\n`],
    [
      'EXPUNGE',
      (folder: string) => `r SELECT ${folder}\ns STORE 1:* +FLAGS.SILENT (\\Deleted)\nt EXPUNGE\n`,
    ],
  ])('%s', async (name, command) => {
    const folder = `Doomed${name}`;
    attacked.fill(folder, many);
    const reader = await attacked.logIn();
    expect(await reader.say(`s SELECT ${folder}\n`, 's')).toContain('* 60 EXISTS');
    reader.socket.pause();
    reader.send(all);
    expect(await attacked.attacker.say(command(folder), 't')).toMatch(/^t OK/m);
    reader.socket.resume();
    // What could be read before, then the end; or all of it.
    const got = await reader.until(/^f (?:OK|NO).*\r\n|\* BYE .*\r\n/m);
    expect(got).toMatch(/(?:f OK|f NO|\* BYE) .*\r\n$/);
    for (const [, size] of got.matchAll(/BODY\[\] \{([0-9]+)\}/g))
      expect(Number(size)).toBe(body.length + 20_002);
    await attacked.goesOn();
    reader.destroy();
    const after = name === 'RENAME' ? `Gone${folder}` : folder;
    const fresh = await attacked.logIn();
    expect(await fresh.say(`s SELECT ${after}\n`, 's')).toMatch(
      name === 'DELETE' ? /^s NO/m : /^s OK/m,
    );
    fresh.destroy();
  });

  test('message files that vanish are expunged, and the others are read', async () => {
    const dir = attacked.fill('Vanish', many);
    await attacked.answer('SELECT Vanish');
    for (const file of readdirSync(join(dir, 'cur')).slice(0, 30)) rmSync(join(dir, 'cur', file));
    const got = await attacked.answer('UID FETCH 1:* (UID BODY.PEEK[HEADER])');
    expect(got).toMatch(/^t (?:OK|NO) /m);
    expect(got.match(/BODY\[HEADER\] \{18\}/g)).toHaveLength(30);
    const told = got + (await attacked.answer('NOOP'));
    expect(told.match(/^\* [0-9]+ EXPUNGE/gm)).toHaveLength(30);
  });
});

/** What somebody may put where a file of the server's is. */
const OBSTACLES: Readonly<Record<string, (path: string) => void>> = {
  'an empty file': (path) => writeFileSync(path, ''),
  garbage: (path) =>
    writeFileSync(path, '\0\xff9999999999999999999999 -1 /1:1\n'.repeat(500), 'latin1'),
  'a file of a GiB': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 2 ** 30);
  },
  'a link to a file of others': (path) => symlinkSync('/etc/passwd', path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a FIFO': (path) => expect(spawnSync('mkfifo', ['-m', '666', path]).status).toBe(0),
  'a device’s link': (path) => symlinkSync('/dev/zero', path),
  'a directory': (path) => mkdirSync(path),
  'a file nobody may read': (path) => {
    writeFileSync(path, 'secret');
    chmodSync(path, 0);
  },
};

describe('J13: in the place of the server’s own files', () => {
  test.each(Object.keys(OBSTACLES))('%s stops nobody', async (what) => {
    const folder = `Odd${Object.keys(OBSTACLES).indexOf(what)}`;
    const dir = attacked.fill(folder, THREE);
    const list = join(dir, 'courierimapkeywords');
    mkdirSync(list);
    attacked.own(list);
    const files = [
      'courierimapuiddb',
      'courierimapkeywords/:list',
      'courierimapacl',
      'maildirfolder',
    ];
    for (const file of files) obstruct(join(dir, file), what);
    const root = ['maildirsize', 'courierimapsubscribed', 'courierimaphieracl'].map((file) =>
      join(attacked.host.maildir('ann'), file),
    );
    for (const path of root) obstruct(path, what);
    try {
      const talks = [await attacked.logIn(), await attacked.oneShot()];
      for (const talk of talks) {
        const got = await talk.say(
          `a SELECT ${folder}\nb FETCH 1:* (UID FLAGS BODY.PEEK[])\nc STORE 1:* +FLAGS (word)\nd LIST "" *\ne LSUB "" *\nf GETQUOTAROOT ${folder}\ng STATUS INBOX (MESSAGES)\n`,
          'g',
        );
        expect(got.match(/^[a-g] (?:OK|NO|BAD)/gm), got).toHaveLength(7);
        expect(got).not.toMatch(/root:|^[a-g] .*\[SERVERBUG\]/m);
        // Its messages are shown, or the mailbox is not.
        if (/^a OK/m.test(got)) expect(got.match(/^\* [0-9]+ FETCH \(UID/gm)).toHaveLength(3);
        talk.destroy();
      }
      await attacked.goesOn();
      attacked.staysSmall();
    } finally {
      for (const path of [...root, ...files.map((file) => join(dir, file))])
        rmSync(path, { force: true, recursive: true });
      await attacked.endOneShots();
    }
    expect(readFileSync('/etc/passwd', 'latin1')).toMatch(/^root:/);
    const after = await attacked.logIn();
    const got = await after.say(
      `a SELECT ${folder}\nb APPEND ${folder} {5+}\na:b\n\nc LOGOUT\n`,
      'c',
    );
    expect(got.match(/^[abc] OK/gm)).toHaveLength(3);
  });

  function obstruct(path: string, what: string): void {
    rmSync(path, { force: true, recursive: true });
    OBSTACLES[what]?.(path);
    if (isRoot && !what.includes('link')) attacked.own(path);
  }
});

const ACLS: readonly Attack[] = [
  {
    row: 'J14',
    what: 'a line end in a right',
    send: 'SETACL Three ben {4+}\r\nlrx\n',
    answer: /^t BAD /,
  },
  {
    row: 'J14',
    what: 'a line end in a name',
    send: 'SETACL Three {9+}\r\nben\nx lrs lr',
    answer: /^t BAD /,
  },
  { row: 'J14', what: 'a TAB in a name', send: 'SETACL Three "b\ten" lr', answer: /^t BAD / },
  {
    row: 'J14',
    what: 'the owner locked out',
    send: 'SETACL Three -owner a',
    answer: /^t NO \[CANNOT\]/,
  },
  {
    row: 'J14',
    what: 'everybody locked out',
    send: 'SETACL Three -anyone la',
    answer: /^t NO \[CANNOT\]/,
  },
  {
    row: 'J14',
    what: 'the administrators, whom no list locks out',
    send: 'SETACL Three -group=administrators la',
    answer: /^t OK/,
  },
  { row: 'J14', what: 'a right that is none', send: 'SETACL Three ben lrz', answer: /^t BAD / },
  {
    row: 'J14',
    what: 'a long name',
    send: `SETACL Three ${'b'.repeat(5000)} l`,
    answer: /^t (?:BAD|NO) .{1,100}\r\n$/,
  },
  {
    row: 'J14',
    what: 'somebody’s shared folder',
    send: 'SELECT #shared/x',
    answer: /^(?:\* OK \[CLOSED\].*\r\n)?t NO \[NONEXISTENT\]/,
  },
  { row: 'J14', what: 'rights on it', send: 'GETACL #shared/x', answer: /^t NO \[NONEXISTENT\]/ },
];

describe('access lists', () => {
  test.each(ACLS)('$row: $what', async (attack) => {
    const before = await attacked.answer('GETACL Three');
    await attacked.withstands(attack);
    expect(await attacked.answer('GETACL Three')).toBe(before);
  });

  test('J14: many entries end somewhere, and the list is as it was told', async () => {
    const talk = await attacked.logIn();
    talk.sendRaw(
      Array.from(
        { length: 280 },
        (_, i) => `q${i} SETACL Empty user=${'u'.repeat(240)}${i} lr\r\n`,
      ).join(''),
    );
    const got = await talk.until(/^q279 .*\r\n/m);
    expect(got.match(/^q[0-9]+ (?:OK|NO \[(?:LIMIT|CANNOT)\])/gm)).toHaveLength(280);
    const kept = got.match(/^q[0-9]+ OK/gm)?.length ?? 0;
    expect((await attacked.answer('GETACL Empty')).match(/ u{240}[0-9]+ lr/g)).toHaveLength(kept);
    talk.destroy();
    attacked.staysSmall();
  });

  test('J14: who has been given everything of INBOX still finds nothing else', async () => {
    expect(await attacked.answer(`SETACL INBOX anyone +rwa`)).toMatch(/^t (?:OK|NO)/);
    const ben = await attacked.logIn('ben');
    for (const name of ['#shared/ann/Three', '#user/ann/Three', 'ann/Three', '../ann/.Three'])
      expect(await ben.say(`s SELECT "${name}"\n`, 's')).toMatch(/^s (?:NO|BAD) /);
    ben.destroy();
    expect(await attacked.answer('DELETEACL INBOX anyone')).toMatch(/^t OK/);
  });
});
