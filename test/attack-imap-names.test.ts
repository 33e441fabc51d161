// Names and patterns that shall lead out of the mailboxes, or cost the server dear: against the running service, and
// against a one-shot server with Courier's names. Each is answered, the session goes on, another one is served meanwhile,
// nothing is made, and nothing is held. Rows are those of the list of attacks, section C.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Attack, AttackedHost } from './lib/imap/attack.ts';
import type { ImapTalk } from './lib/imap-talk.ts';

let attacked: AttackedHost;
/** A one-shot server in which names are Courier's. */
let classic: ImapTalk;

beforeAll(async () => {
  attacked = await AttackedHost.start();
  attacked.fill('Three', {});
  attacked.fill('Empty', {});
  classic = await attacked.oneShot({ IMAP_NAMESPACE: 'courier' });
});
afterAll(() => attacked.remove());
afterEach(() => attacked.goesOn());

/** Every directory below the users', but for the servers' own. */
function directories(): readonly string[] {
  const top = join(attacked.host.home, 'joe');
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('courierimap'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** In few words. */
const REFUSED = /^t (?:NO \[(?:CANNOT|LIMIT|NONEXISTENT|TRYCREATE)\]|BAD) .{1,150}\r\n$/;

/** A name as a quoted string, or as a literal where it cannot be one. */
const onWire = (name: string) =>
  name.length > 4000 || name.includes('\n') ? `{${name.length}+}\r\n${name}` : `"${name}"`;

/** Commands that take a name, and would make, open or change what it names. */
const NAMING: readonly ((name: string) => string)[] = [
  (name) => `CREATE ${name}`,
  (name) => `SELECT ${name}`,
  (name) => `DELETE ${name}`,
  (name) => `RENAME Three ${name}`,
  (name) => `RENAME INBOX.Three ${name}`,
  (name) => `SUBSCRIBE ${name}`,
  (name) => `STATUS ${name} (MESSAGES)`,
  (name) => `APPEND ${name} {4+}\r\na:b\n`,
];

describe('names that are no mailbox’s are refused in few words, and nothing is made', () => {
  const escapes = ['../../etc', '/etc/passwd', '..', '.', '&AC8-x', '&AC4ALgAv-x', '%2e%2e', ''];
  const badCoding = ['&Jjo!', '&Jjo', '&AGE-', '&2AA-', '&AAE-', 'a\x01', 'T\xc3\xa9st'];
  const long = ['a'.repeat(300), 'b'.repeat(10_000)];
  const rows = [
    ['J1', [...escapes, 'a/../../b', 'a//b', '/a', '*/x', '../ben', '#shared/x']],
    [
      'J1 and J2 with Courier’s names',
      [
        'INBOX.a/../../b',
        'INBOX...b',
        'INBOX..b',
        'INBOX.&AC8-x',
        'INBOX.&AC4ALgAv-x',
        '../../etc',
        '~root',
        'INBOX.*%',
        'INBOX.a\nb',
        '#shared.x',
      ],
    ],
    ['J2', ['*%', 'a*', 'a%']],
    ['J3', badCoding],
    ['J4', [...long, Array(500).fill('a').join('/')]],
    [
      'J4 with Courier’s names',
      [...long.map((name) => `INBOX.${name}`), `INBOX${'.a'.repeat(500)}`],
    ],
  ] as const;

  test.each(rows)('%s', async (row, names) => {
    const talk = row.includes('Courier') ? classic : attacked.attacker;
    const before = directories();
    for (const name of names) {
      for (const command of NAMING) {
        const answer = await attacked.answer(command(onWire(name)), talk);
        // Courier makes mailboxes with such names, so one can be subscribed to.
        if (/^t OK SUBSCRIBE/.test(answer) && /[*%]/.test(name)) continue;
        expect(answer, command(name)).toMatch(REFUSED);
      }
      const listed = await attacked.answer(`LIST ${onWire(name)} *`, talk);
      expect(listed, name).toMatch(/^(?:\* LIST .{1,100}\r\n)*t (?:OK|NO|BAD) .{1,150}\r\n$/);
    }
    expect(directories()).toEqual(before);
    attacked.staysSmall();
  });

  test('J1 at the end of a name, J2: what is a name all the same lies where mailboxes lie', async () => {
    const maildir = attacked.host.maildir('ann');
    const names = ['cur', 'new', 'tmp', 'courierimapuiddb', '~root', 'end/'];
    for (const name of names) expect(await attacked.answer(`CREATE "${name}"`)).toMatch(/^t OK/);
    expect(readdirSync(maildir)).toEqual(
      expect.arrayContaining(['.cur', '.new', '.tmp', '.courierimapuiddb', '.~root', '.end']),
    );
    for (const name of names)
      expect(await attacked.answer(`DELETE "${name.replace('/', '')}"`)).toMatch(/^t OK/);
    expect(await attacked.answer('CREATE inbox')).toMatch(/^t NO \[ALREADYEXISTS\]/);
    expect(await attacked.answer('CREATE InBoX/x')).toMatch(/^t OK/);
    expect(await attacked.answer('LIST "" InBoX/*')).toContain(' INBOX/x\r\n');
    expect(await attacked.answer('DELETE INBOX/x')).toMatch(/^t OK/);
  });

  test('J3: the two forms of a letter are one name', async () => {
    expect(await attacked.answer('CREATE &AOk-')).toMatch(/^t OK/);
    expect(await attacked.answer('CREATE e&AwE-')).toMatch(/^t NO \[ALREADYEXISTS\]/);
    expect(await attacked.answer('DELETE e&AwE-')).toMatch(/^t OK/);
  });

  test('J16: 8-bit names where UTF-8 is enabled, and only UTF-8', async () => {
    const talk = await attacked.logIn();
    expect(await attacked.answer('ENABLE UTF8=ACCEPT', talk)).toMatch(/^\* ENABLED UTF8=ACCEPT/);
    expect(await attacked.answer('CREATE "T\xc3\xa9st"', talk)).toMatch(/^t OK/);
    expect(await attacked.answer('CREATE "T\xc3"', talk)).toMatch(/^t BAD/);
    expect(await attacked.answer('CREATE "T\xe9st"', talk)).toMatch(/^t BAD/);
    expect(await attacked.answer('CREATE "&Jjo!"', talk)).toMatch(/^t OK/);
    expect(await attacked.answer('APPEND Empty UTF8 (~{5+}\r\na:\xff\r\n)', talk)).toMatch(/^t OK/);
    await attacked.answer('SELECT Empty', talk);
    expect(await attacked.answer('FETCH * BODY.PEEK[]', talk)).toContain('{5}\r\na:\xff\r\n)');
    for (const name of ['T\xc3\xa9st', '&Jjo!'])
      expect(await attacked.answer(`DELETE "${name}"`, talk)).toMatch(/^t OK/);
    talk.destroy();
  });
});

const LISTS: readonly Attack[] = [
  {
    row: 'J5',
    what: 'a pattern of 4,000 wildcards',
    send: `LIST "" ${'*%'.repeat(2000)}x`,
    answer: /^t BAD \[LIMIT\]/,
  },
  {
    row: 'J5',
    what: 'a pattern that backtracks',
    send: `LIST "" ${'*a'.repeat(30)}zz`,
    answer: /^t OK/,
  },
  {
    row: 'J5',
    what: 'a thousand patterns',
    send: `LIST "" (${'"*%*%*x" '.repeat(999).trim()})`,
    answer: /^t OK/,
  },
  {
    row: 'J5',
    what: 'more patterns than that',
    send: `LIST "" (${'x '.repeat(5000).trim()})`,
    answer: /^t BAD \[LIMIT\]/,
  },
  {
    row: 'J5',
    what: 'a pattern for LSUB',
    send: `LSUB "" ${'*%'.repeat(2000)}x`,
    answer: /^t BAD \[LIMIT\]/,
  },
];

test.each(LISTS)('$row: $what', (attack) => attacked.withstands(attack));
