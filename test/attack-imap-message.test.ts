// Mail made to harm who reads it, and files a stranger's program may leave in a Maildir, against the running service and
// a server of its own: all is answered and nothing shown that is not there, the session goes on, somebody else is served
// meanwhile, and nothing is held.
//
// Rows are those of the list of attacks, section F. M3's and M4's expectations of webmail, and M9, are not IMAP's: here
// names and HTML are passed on as data.

import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AttackedHost } from './lib/imap/attack.ts';
import { HOSTILE_MAIL } from './lib/imap/hostile-mail.ts';

let attacked: AttackedHost;
const BASE = 1_600_000_000;

beforeAll(async () => {
  attacked = await AttackedHost.start();
  const files = HOSTILE_MAIL.map(({ text }, i) => [`${BASE + i}.h.test:2,`, text] as const);
  attacked.fill('Hostile', Object.fromEntries(files));
});
afterAll(() => attacked.remove());
afterEach(() => attacked.goesOn());

/** All that is made by parsing, and no large text. */
const PARSED =
  'ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE PREVIEW BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]<0.200> BODY.PEEK[1]<0.100> BODY.PEEK[1.1.MIME]<0.100>';

describe('a message', () => {
  test.each(HOSTILE_MAIL.map((mail, i) => ({ ...mail, number: i + 1 })))(
    '$row: $what',
    async ({ number, text, shows }) => {
      await attacked.answer('EXAMINE Hostile');
      const got = await attacked.answer(`FETCH ${number} (${PARSED})`);
      expect(got).toMatch(/^t OK/m);
      expect(got).toMatch(shows);
      expect(outsideLiterals(got)).not.toMatch(/\0|^\* BYE/m);
      const whole = text.replaceAll(/\r?\n/g, '\r\n');
      expect(got).toContain(`RFC822.SIZE ${whole.length}`);
      attacked.staysSmall();
    },
  );

  test('the mailbox of all of them is searched, sorted and threaded', async () => {
    const count = HOSTILE_MAIL.length;
    expect(await attacked.answer('SELECT Hostile')).toContain(`* ${count} EXISTS`);
    for (const command of [
      'SEARCH TEXT nothing-like-it',
      'SEARCH SUBJECT a FROM b',
      'SEARCH SENTBEFORE 1-Jan-2030 SENTSINCE 1-Jan-1970',
      'SORT (DATE SUBJECT FROM TO CC ARRIVAL SIZE DISPLAYFROM) UTF-8 ALL',
      'THREAD REFERENCES UTF-8 ALL',
      'THREAD ORDEREDSUBJECT UTF-8 ALL',
    ]) {
      const got = await attacked.answer(command);
      expect(got, command).toMatch(/^t OK/m);
      if (!command.startsWith('SEARCH')) expect(numbersOf(got)).toHaveLength(count);
    }
    attacked.staysSmall();
  });

  test('a server of its own says the same of each, without what the other remembers', async () => {
    rmSync(join(attacked.host.maildir('ann'), 'mailcache'), { recursive: true, force: true });
    const own = await attacked.oneShot();
    await own.say('a EXAMINE Hostile\n', 'a');
    await attacked.answer('EXAMINE Hostile');
    const fetch = `FETCH 1:* (${PARSED})`;
    expect(await attacked.answer(fetch, own)).toBe(await attacked.answer(fetch));
    await attacked.endOneShots();
  });
});

/** A response without its literals, which are data. */
function outsideLiterals(answer: string): string {
  let rest = answer;
  let kept = '';
  for (;;) {
    const found = /\{([0-9]+)\}\r\n/.exec(rest);
    if (found === null) return kept + rest;
    kept += rest.slice(0, found.index);
    rest = rest.slice(found.index + found[0].length + Number(found[1]));
  }
}

function numbersOf(answer: string): readonly string[] {
  return /^\* (?:SORT|THREAD) (.*)$/m.exec(answer)?.[1]?.match(/[0-9]+/g) ?? [];
}

describe('M7: names of files', () => {
  const TEXT = 'Subject: named\n\nbody\n';
  const SIZE = TEXT.length + 3;
  const NAMES = [
    '1.a,S=999999999999999:2,',
    '2.a,S=-1:2,S',
    '3.a',
    '4.a:1,S',
    '5.a:2,TSFRSSD',
    '6.a:2,XYZs',
    '7.a b:2,',
    '8.a\nb:2,',
    '9.\xe9:2,',
    '10.a,S=0:2,',
    '11.a,W=99999999999999999999:2,',
    `12.${'n'.repeat(240)}`,
  ];

  test('all are messages, each once, with the size that is the file’s', async () => {
    const dir = attacked.fill('Names', {});
    for (const name of NAMES) {
      const path = Buffer.concat([Buffer.from(`${dir}/cur/`), Buffer.from(name, 'latin1')]);
      writeFileSync(path, TEXT);
      attacked.own(path);
    }
    for (const talk of [attacked.attacker, await attacked.oneShot()]) {
      expect(await attacked.answer('SELECT Names', talk)).toContain(`* ${NAMES.length} EXISTS`);
      const got = await attacked.answer('FETCH 1:* (RFC822.SIZE BODY.PEEK[])', talk);
      expect(got.match(/RFC822\.SIZE [0-9]+/g)).toEqual(NAMES.map(() => `RFC822.SIZE ${SIZE}`));
      expect(got.match(/Subject: named\r\n/g)).toHaveLength(NAMES.length);
      expect(await attacked.answer('STORE 1:* +FLAGS (\\Flagged)', talk)).toMatch(/^t OK/m);
    }
    await attacked.endOneShots();
  });

  test('two files of one name are two messages', async () => {
    attacked.fill('Twins', { '1.twin:2,': 'Subject: a\n\n', '1.twin:2,S': 'Subject: b\n\n' });
    expect(await attacked.answer('SELECT Twins')).toContain('* 2 EXISTS');
    const got = await attacked.answer('FETCH 1:* BODY.PEEK[]');
    expect(got).toMatch(/Subject: a/);
    expect(got).toMatch(/Subject: b/);
  });

  test('what is no file is no message, and none waits for it', async () => {
    const dir = attacked.fill('Odd', { '1.real:2,': TEXT });
    mkdirSync(join(dir, 'cur/2.directory:2,'));
    expect(spawnSync('mkfifo', [join(dir, 'cur/3.fifo:2,')]).status).toBe(0);
    symlinkSync('/dev/zero', join(dir, 'cur/4.device:2,'));
    symlinkSync('5.loop:2,', join(dir, 'cur/5.loop:2,'));
    symlinkSync('nowhere', join(dir, 'new/6.nowhere'));
    expect(await attacked.answer('SELECT Odd')).toContain('* 1 EXISTS');
    expect(await attacked.answer('FETCH 1 BODY.PEEK[]')).toContain('Subject: named');
    expect(await attacked.answer('SEARCH TEXT body')).toMatch(/^\* SEARCH 1\r\n/);
  });

  test('twenty thousand new messages at once are there, and nobody waits for their sake', async () => {
    const dir = attacked.fill('Flood', {});
    const first = join(dir, 'new/1.flood.test');
    writeFileSync(first, TEXT);
    attacked.own(first);
    for (let i = 2; i <= 20_000; i++) linkSync(first, join(dir, `new/${i}.flood.test`));
    expect(await attacked.answer('STATUS Flood (MESSAGES)')).toContain('MESSAGES 20000');
    expect(await attacked.answer('SELECT Flood')).toContain('* 20000 EXISTS');
    expect(readdirSync(join(dir, 'new'))).toEqual([]);
  });
});

describe('M8: the file of the quota', () => {
  const usage = /^\* QUOTA .*STORAGE ([0-9]+) ([0-9]+)/m;

  test.each([
    ['letters', 'abcS\nx y\n', undefined],
    ['a huge number', `${'9'.repeat(40)}S\n1 1\n`, undefined],
    ['a negative quota', '-5S\n1 1\n', undefined],
    ['a negative count', '10240S\n-99999999 -5\n', '10'],
    ['a sum beyond all bits', `10240S\n${'9'.repeat(18)} 1\n${'9'.repeat(18)} 1\n`, '10'],
    ['no line end', '10240S', '10'],
    ['more than is ever appended', `10240S\n${'1 1\n'.repeat(5000)}`, '10'],
    ['NULs', '\0'.repeat(600), undefined],
    ['nothing', '', undefined],
  ])('%s: counted anew, and mail is still taken', async (_what, text, limit) => {
    const root = join(attacked.host.maildir('ben'), 'maildirsize');
    const talk = await attacked.logIn('ben');
    writeFileSync(root, text);
    attacked.own(root);
    try {
      const got = await attacked.answer('GETQUOTAROOT INBOX', talk);
      expect(got).toMatch(/^t OK/m);
      const [, used, most] = usage.exec(got) ?? [];
      expect(most).toBe(limit);
      if (most !== undefined) expect(Number(used)).toBeLessThanOrEqual(10);
      expect(await attacked.answer('APPEND INBOX {5+}\r\na:b\r\n', talk)).toMatch(/^t OK/);
    } finally {
      rmSync(root, { force: true });
      talk.destroy();
    }
  });
});
