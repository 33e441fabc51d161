// Searches that shall exhaust the server, and mail made to exhaust those who sort and thread it, against the running
// service: each is answered, other sessions go on, and nothing is held for them.

import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ImapTalk } from './lib/imap-talk.ts';
import { DOMAIN, type MailHost, OWNER_UID, startMailHost } from './lib/mail-host.ts';
import { residentOf } from './lib/processes.ts';
import { isRoot } from './lib/run.ts';

let host: MailHost;
let attacker: ImapTalk;
/** Somebody with mail of the same owner, so that one worker serves both. */
let other: ImapTalk;

beforeAll(async () => {
  host = await startMailHost({ program: 'imapd', mode: isRoot ? 'root' : 'private' });
  fill('chain', chain(3000));
  fill('loop', loops(300));
  fill(
    'same',
    Array.from(
      { length: 2000 },
      (_, i) => `Subject: Re: same\nDate: ${1 + (i % 28)} Jan 2020\n\nbody\n`,
    ),
  );
  fill('hostile', HOSTILE);
  other = await login('ben');
  attacker = await login('ann');
});
afterAll(async () => {
  // Who comes afterwards finds all as it was.
  expect(await (await login('ann')).say('s SELECT chain\n', 's')).toContain('* 3000 EXISTS');
  await host.remove();
});

afterEach(async () => {
  expect(await other.say('n NOOP\n', 'n')).toBe('n OK Done\r\n');
});

async function login(user: string): Promise<ImapTalk> {
  const talk = await ImapTalk.open(host.port);
  expect(await talk.say(`a LOGIN ${user}@${DOMAIN} "${host.users[user]}"\n`, 'a')).toMatch(
    /^a OK /m,
  );
  return talk;
}

/** A folder of ann's with these messages, in this order. */
function fill(folder: string, messages: readonly string[]): void {
  const dir = join(host.maildir('ann'), `.${folder}`);
  const own = (path: string) => {
    if (isRoot) chownSync(path, OWNER_UID, OWNER_UID);
  };
  for (const path of ['', 'cur', 'new', 'tmp']) {
    mkdirSync(join(dir, path), { mode: 0o700 });
    own(join(dir, path));
  }
  for (const [index, text] of messages.entries()) {
    const path = join(dir, 'cur', `${1_600_000_000 + index}.M1P1.test:2,`);
    writeFileSync(path, text, 'latin1');
    own(path);
  }
}

/** Each answers the one behind it in the folder. */
function chain(length: number): string[] {
  return Array.from({ length }, (_, i) =>
    [`Message-ID: <c${i}@x>`, `References: <c${i + 1}@x>`, 'Subject: c', '', 'x', ''].join('\n'),
  );
}

/** In threes: each is its own ancestor. */
function loops(count: number): string[] {
  return Array.from({ length: count * 3 }, (_, i) => {
    const next = i % 3 === 2 ? i - 2 : i + 1;
    return `Message-ID: <l${i}@x>\nReferences: <l${next}@x> <l${i}@x> <l${next}@x>\nSubject: l${i}\n\nx\n`;
  });
}

const HOSTILE: readonly string[] = [
  `References:${' <a@x>'.repeat(170_000)}\nSubject: many\n\n`,
  `References: ${Array.from({ length: 50_000 }, (_, i) => `<r${i}@x>`).join('\n ')}\nSubject: others\n\n`,
  `Subject: ${'Re: '.repeat(200_000)}end\n\n`,
  `Subject: ${'['.repeat(500_000)}\n\n`,
  `Subject: ${'[fwd: '.repeat(100_000)}x${']'.repeat(100_000)}\n\n`,
  `Subject: ${'=?utf-8?q?=C3?= '.repeat(50_000)}\n\n`,
  `From: ${'('.repeat(300_000)}\nTo: ${'a@x,'.repeat(200_000)}\nDate: ${'('.repeat(300_000)}\n\n`,
  `Date: 99 Foo 99999999999999999999 99:99:99 +9999\nMessage-ID: ${'<'.repeat(500_000)}\n\n`,
];

const memory = () => residentOf(host.home);

describe('searches', () => {
  beforeEach(async () => {
    await attacker.say('s SELECT same\n', 's');
  });

  test.each([
    ['a hundred thousand NOTs', `SEARCH ${'NOT '.repeat(100_000)}ALL`],
    ['twenty thousand ORs', `SEARCH ${'OR ALL '.repeat(20_000)}ALL`],
    ['parentheses without end', `SEARCH ${'('.repeat(200_000)}`],
    ['101 NOTs', `SEARCH ${'NOT '.repeat(101)}ALL`],
    ['101 ORs', `SEARCH ${'OR ALL '.repeat(101)}ALL`],
    ['101 parentheses', `SEARCH ${'('.repeat(101)}ALL${')'.repeat(101)}`],
    ['1001 keys', `SEARCH${' ALL'.repeat(1001)}`],
    ['a set of 130 kB', `SEARCH ${'1:4294967295,'.repeat(10_000)}1`],
  ])('%s are refused, and the session goes on', async (_what, command) => {
    const before = memory();
    expect(await attacker.say(`t ${command}\n`, 't')).toMatch(/^t BAD \[TOOBIG\] [^\r\n]*\r\n$/);
    expect(await attacker.say('u UID SEARCH RETURN (COUNT) 1:*\n', 'u')).toContain(
      '* ESEARCH (TAG "u") UID COUNT 2000\r\nu OK SEARCH completed\r\n',
    );
    expect(memory() - before).toBeLessThan(64 * 1024);
  });

  test('a text of 64 kB is looked for', async () => {
    const text = 'x'.repeat(60_000);
    attacker.sendRaw('t SEARCH HEADER Subject {60000}\r\n');
    await attacker.until(/^\+ .*\r\n/);
    attacker.sendRaw(`${text}\r\n`);
    // Before it may stand how far it has come.
    const answer = await attacker.until(/^t .*\r\n/m);
    expect(answer).toMatch(/(?:^|\n)\* SEARCH\r\nt OK SEARCH completed\r\n$/);
  });

  test('a text of a megabyte is not', async () => {
    attacker.sendRaw('t SEARCH HEADER Subject {1000000}\r\n');
    expect(await attacker.until(/\r\n/)).toMatch(/^t BAD \[TOOBIG\] /);
  });

  test('as many as are pipelined are answered in turn, and somebody else meanwhile', async () => {
    const count = 50;
    const commands = Array.from(
      { length: count },
      (_, i) => `p${i} SORT (SUBJECT DATE) UTF-8 TEXT body\r\n`,
    );
    attacker.sendRaw(commands.join(''));
    expect(await other.say('m NOOP\n', 'm')).toBe('m OK Done\r\n');
    const answers = await attacker.until(new RegExp(`p${count - 1} OK .*\\r\\n`));
    expect(answers.match(/^p\d+ OK /gm)).toHaveLength(count);
  });

  test('only some results are kept up to date', async () => {
    const commands = Array.from(
      { length: 100 },
      (_, i) => `k${i} SEARCH RETURN (UPDATE COUNT) SEEN\n`,
    );
    const answers = await attacker.say(commands.join(''), 'k99');
    expect(answers.match(/^k\d+ OK /gm)).toHaveLength(100);
    expect(answers.match(/^\* NO \[NOUPDATE /gm)).toHaveLength(92);
  });
});

const COMMANDS = [
  'THREAD REFERENCES UTF-8 ALL',
  'THREAD REFS UTF-8 ALL',
  'THREAD ORDEREDSUBJECT UTF-8 ALL',
  'SORT (SUBJECT DISPLAYFROM DISPLAYTO FROM TO CC DATE) UTF-8 ALL',
  `SORT (${'REVERSE SUBJECT '.repeat(500).trim()}) UTF-8 ALL`,
];

describe.each([
  ['chain', 3000],
  ['loop', 900],
  ['same', 2000],
  ['hostile', HOSTILE.length],
] as const)('mail that is a %s', (folder, count) => {
  test.each(COMMANDS)('is put in order by %.30s…', async (command) => {
    expect(await attacker.say(`s SELECT ${folder}\n`, 's')).toContain(`* ${count} EXISTS`);
    const before = memory();
    attacker.send(`t ${command}\n`);
    expect(await other.say('m NOOP\n', 'm')).toBe('m OK Done\r\n');
    const answer = await attacker.until(/^t (?:OK|NO|BAD).*\r\n/m);
    expect(answer).toMatch(/^t OK /m);
    // Before it may stand how far it has come.
    const [line = ''] = /^\* (?:SORT|THREAD) .*/m.exec(answer) ?? [];
    const numbers = line.match(/[0-9]+/g) ?? [];
    expect(numbers.map(Number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: count }, (_, i) => i + 1),
    );
    expect(memory() - before).toBeLessThan(128 * 1024);
  });
});

test('a chain is one list, from the first of it', async () => {
  await attacker.say('s SELECT chain\n', 's');
  const numbers = Array.from({ length: 3000 }, (_, i) => 3000 - i);
  expect(await attacker.say('t THREAD REFS UTF-8 ALL\n', 't')).toContain(
    `* THREAD (${numbers.join(' ')})\r\nt OK Thread completed\r\n`,
  );
});
