// Classic .qmail files, delivered by qmail-lspawn and qmail-local in both forms: a process for each delivery, as in
// qmail, and a worker that stays. What qmail-send would read is compared byte for byte.

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ClassicHost, messageName } from '../lib/classic-host.ts';
import { DIST } from '../lib/instance.ts';
import { RecordedSpawner } from '../lib/recorded-spawner.ts';
import { run } from '../lib/run.ts';

const MESSAGE =
  'Received: (qmail 99 invoked by uid 7); 26 Sep 1995 04:46:54 -0000\n' +
  'Subject: caf\xe9\n\nFrom here\n>From there\nend';
const QUOTED = MESSAGE.replace('\nFrom here\n>From', '\n>From here\n>>From');

/** In the place of qmail-queue. */
const KEEP =
  'exec 3<&1\ncat >"$QMAILHOME/m" && cat <&3 >"$QMAILHOME/e"; exit $(cat "$QMAILHOME/exit")\n';

describe.each([
  ['a process for each delivery', '0\n'],
  ['a worker that stays', '4\n'],
])('%s', (_, workers) => {
  let host: ClassicHost;
  let lspawn: RecordedSpawner;
  let home: string;
  let name: string;

  beforeAll(async () => {
    host = new ClassicHost({ localworkers: workers });
    home = host.directory('joe');
    const { uid, gid } = host;
    const assign = `=joe:joe:${uid}:${gid}:${home}:::\n+joe-:joe:${uid}:${gid}:${home}:-::\n.\n`;
    host.file('users/assign', assign);
    expect((await run(join(DIST, 'qmail-newu'), [], { env: host.env, uid, gid })).code).toBe(0);
    const QMAILQUEUE = host.script('bin/keep', KEEP);
    name = messageName(host.mess(MESSAGE));
    lspawn = new RecordedSpawner(host, 'qmail-lspawn', ['./Mailbox'], {
      QMAILQUEUE,
      INHERITED: 'yes',
    });
  });
  afterAll(async () => {
    await lspawn.kill();
    host.remove();
  });
  beforeEach(() => {
    for (const entry of readdirSync(home)) rmSync(join(home, entry), { recursive: true });
    for (const entry of ['m', 'e']) rmSync(join(host.home, entry), { force: true });
    host.file('exit', '0\n');
    chmodSync(home, 0o755);
  });

  /** A file in joe's home. */
  const put = (file: string, text: string, mode = 0o644) => host.file(`joe/${file}`, text, mode);
  const read = (file: string) => readFileSync(join(home, file), 'latin1');
  const forwarded = () => ({
    message: readFileSync(join(host.home, 'm'), 'latin1'),
    envelope: readFileSync(join(host.home, 'e'), 'latin1'),
  });
  const deliver = (recipient: string, sender = 'ann@far.test', message = name) =>
    lspawn.report(message, sender, recipient);

  function makeMaildir(path: string): void {
    for (const sub of ['', 'tmp', 'new', 'cur']) {
      mkdirSync(join(home, path, sub), { mode: 0o700 });
      chownSync(join(home, path, sub), host.uid, host.gid);
    }
  }

  describe('which file', () => {
    test.each([
      ['joe-a-b', ['.qmail-a-b', '.qmail-a-default', '.qmail-default'], undefined],
      ['joe-a-c', ['.qmail-a-default', '.qmail-default'], 'c'],
      ['joe-a-', ['.qmail-a-', '.qmail-a-default', '.qmail-default'], undefined],
      ['joe-John.Doe-X', ['.qmail-john:doe-default', '.qmail-default'], 'X'],
      ['joe-Q.W', ['.qmail-default'], 'Q.W'],
      ['joe-x-default', ['.qmail-x-default'], 'default'],
    ])('for %s is the first of %j', async (local, files, defaultPart) => {
      files.forEach((file, i) => {
        put(file, `|echo file ${i} $DEFAULT\n`);
      });
      expect(await deliver(`${local}@mail.test`)).toBe(
        `Kfile 0${defaultPart === undefined ? '' : ` ${defaultPart}`}\ndid 0+0+1\n`,
      );
    });

    test('is nobody’s for an extension without one: a bounce', async () => {
      put('.qmail', './Mailbox\n');
      expect(await deliver('joe-nobody@mail.test')).toBe(
        'DSorry, no mailbox here by that name. (#5.1.1)\n',
      );
    });

    test.each([
      ['none', undefined],
      ['an empty one', ''],
    ])('%s: the default delivery, an mbox, to the last byte', async (__, text) => {
      if (text !== undefined) put('.qmail', text);
      expect(await deliver('JOE@mail.test', 'an n@far.test')).toBe('Kdid 1+0+0\n');
      const box = read('Mailbox');
      expect(box).toMatch(
        /^From an-n@far\.test (?:Sun|Mon|Tue|Wed|Thu|Fri|Sat) [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \d{4}\n/,
      );
      expect(box.slice(box.indexOf('\n') + 1)).toBe(
        `Return-Path: <"an n"@far.test>\nDelivered-To: JOE@mail.test\n${QUOTED}\n\n`,
      );
      expect(statSync(join(home, 'Mailbox')).mode & 0o777).toBe(0o600);
    });

    test('that is all comments: the mail is thrown away', async () => {
      put('.qmail', '# away\n#./Mailbox\n');
      expect(await deliver('joe@mail.test')).toBe('Kdid 0+0+0\n');
      expect(existsSync(join(home, 'Mailbox'))).toBe(false);
    });
  });

  describe('mail waits', () => {
    test.each<[string, () => void, string]>([
      [
        'while the owner edits, his home sticky',
        () => chmodSync(home, 0o1755),
        'ZHome directory is sticky: user is editing his .qmail file. (#4.2.1)\n',
      ],
      [
        'for a home that others may write',
        () => chmodSync(home, 0o757),
        'ZUh-oh: home directory is writable. (#4.7.0)\n',
      ],
      [
        'for a .qmail that others may write',
        () => put('.qmail', './Mailbox\n', 0o646),
        'ZUh-oh: .qmail file is writable. (#4.7.0)\n',
      ],
      [
        'for a first line that is blank',
        () => put('.qmail', ' \t\n./Mailbox\n'),
        'ZUh-oh: first line of .qmail file is blank. (#4.2.1)\n',
      ],
      [
        'for an mbox in a list',
        () => put('.qmail', './Mailbox\n', 0o744),
        'ZUh-oh: .qmail has file delivery but has x bit set. (#4.7.0)\n',
      ],
      [
        'for a program after +list',
        () => put('.qmail', '&x@y\n+list\n|true\n'),
        'ZUh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)\n',
      ],
      [
        'for a maildir that is not there',
        () => put('.qmail', './Maildir/\n'),
        'ZUnable to chdir to maildir. (#4.2.1)\n',
      ],
      [
        'for an mbox that is not to be opened',
        () => put('.qmail', './no/Mailbox\n'),
        'ZUnable to open ./no/Mailbox: no such file or directory. (#4.2.1)\n',
      ],
      [
        'for a program that crashed',
        () => put('.qmail', '|kill -9 $$\n'),
        'ZAack, child crashed. (#4.3.0)\n',
      ],
    ])('%s', async (__, arrange, report) => {
      arrange();
      expect(await deliver('joe@mail.test')).toBe(report);
      expect(existsSync(join(home, 'Mailbox'))).toBe(false);
    });
  });

  test('a message that has been here bounces; the line must be the same to the last byte', async () => {
    const looping = messageName(host.mess('Delivered-To: joe@mail.test\n\nx\n'));
    const other = messageName(
      host.mess(
        'Delivered-To: Joe@mail.test\nX: y\nDelivered-To:  joe@mail.test\n\nDelivered-To: joe@mail.test\n',
      ),
    );
    expect(await deliver('joe@mail.test', 'a@b', looping)).toBe(
      'DThis message is looping: it already has my Delivered-To line. (#5.4.6)\n',
    );
    expect(await deliver('joe@mail.test', 'a@b', other)).toBe('Kdid 1+0+0\n');
  });

  test('a maildir gets the two lines and the message, under TIME.PID.HOST', async () => {
    makeMaildir('Maildir');
    put('.qmail', './Maildir/   \n');
    expect(await deliver('joe@mail.test', '')).toBe('Kdid 1+0+0\n');
    const [file] = readdirSync(join(home, 'Maildir/new')) as [string];
    expect(file).toMatch(/^\d+\.[^./:]+\.[^/:]+$/);
    expect(read(`Maildir/new/${file}`)).toBe(
      `Return-Path: <>\nDelivered-To: joe@mail.test\n${MESSAGE}`,
    );
    expect(readdirSync(join(home, 'Maildir/tmp'))).toEqual([]);
    expect(statSync(join(home, 'Maildir/new', file)).mode & 0o777).toBe(0o600);
  });

  test('the mbox of a bounce begins with MAILER-DAEMON', async () => {
    expect(await deliver('joe@mail.test', '')).toBe('Kdid 1+0+0\n');
    expect(read('Mailbox')).toMatch(/^From MAILER-DAEMON .*\nReturn-Path: <>\n/);
  });

  test.each<[number, string]>([
    [0, 'Ksaid\ndid 0+0+1\n'],
    [99, 'Ksaid\ndid 0+0+1\n'],
    ...[100, 64, 65, 70, 76, 77, 78, 112].map((code): [number, string] => [code, 'Dsaid\n']),
    ...[111, 1, 2, 63, 66, 67, 68, 69, 71, 73, 74, 75, 98, 127, 255].map(
      (code): [number, string] => [code, 'Zsaid\n'],
    ),
  ])('a program that exits %i: %j', async (code, report) => {
    put('.qmail', `|echo said; exit ${code}\n`);
    expect(await deliver('joe@mail.test')).toBe(report);
  });

  test('lines are followed in order, forwards last and in one message; 99 ends the file', async () => {
    put(
      '.qmail',
      '&one@a\n./Mailbox\ntwo@b\n# no\n\n+reserved\n|cat >got; exit 99\nthree@c\n./Other\n',
    );
    expect(await deliver('joe@mail.test')).toMatch(/^Kdid 1\+2\+1\nqp \d+\n$/);
    expect(forwarded()).toEqual({
      message: `Delivered-To: joe@mail.test\n${MESSAGE}`,
      envelope: 'Fann@far.test\0Tone@a\0Ttwo@b\0\0',
    });
    expect(read('got')).toBe(MESSAGE);
    expect(existsSync(join(home, 'Other'))).toBe(false);
  });

  test('a failure ends the file: no forward is made', async () => {
    put('.qmail', '&one@a\n./Mailbox\n|exit 111\n');
    expect(await deliver('joe@mail.test')).toBe('Z');
    expect(existsSync(join(host.home, 'm'))).toBe(false);
    expect(read('Mailbox')).toContain('Subject');
  });

  test.each([
    [11, 'DUnable to forward message: envelope address too long for qq (#5.1.3).\n'],
    [31, 'DUnable to forward message: mail server permanently rejected message (#5.3.0).\n'],
    [53, 'ZUnable to forward message: qq write error or disk full (#4.3.0).\n'],
    [71, 'ZUnable to forward message: mail server temporarily rejected message (#4.3.0).\n'],
    [91, 'ZUnable to forward message: qq internal bug (#4.3.0).\n'],
    [13, 'DUnable to forward message: qq permanent problem (#5.3.0).\n'],
    [41, 'ZUnable to forward message: qq temporary problem (#4.3.0).\n'],
  ])('a qmail-queue that exits %i: %j', async (code, report) => {
    host.file('exit', `${code}\n`);
    put('.qmail', 'one@a\n');
    expect(await deliver('joe@mail.test')).toBe(report);
  });

  test.each([
    ['', [], ''],
    ['#@[]', ['.qmail-l-owner'], '#@[]'],
    ['', ['.qmail-l-owner', '.qmail-l-owner-default'], ''],
    ['ann@far.test', [], 'ann@far.test'],
    ['ann@far.test', ['.qmail-l-owner-default'], 'ann@far.test'],
    ['ann@far.test', ['.qmail-l-owner'], 'joe-L-owner@mail.test'],
    ['ann@far.test', ['.qmail-l-owner', '.qmail-l-owner-default'], 'joe-L-owner-@mail.test-@[]'],
  ])('mail from <%s> to a list with %j goes on as from <%s>', async (sender, files, newSender) => {
    put('.qmail-l', 'one@a\n', 0o744);
    for (const file of files) put(file, 'owner@a\n');
    expect(await deliver('joe-L@mail.test', sender)).toMatch(/^Kdid 0\+1\+0\nqp \d+\n$/);
    expect(forwarded().envelope).toBe(`F${newSender}\0Tone@a\0\0`);
  });

  test('a program finds the whole environment of qmail-command(8), and nothing of the last delivery', async () => {
    put('.qmail-default', '|env -0 >all\n');
    expect(await deliver('joe-A-b-c-d@x.mail.host.test', 'list-@far.test')).toBe('Kdid 0+0+1\n');
    const all = new Map(
      read('all')
        .split('\0')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    expect(all.get('UFLINE')).toMatch(/^From list-@far\.test \w{3} \w{3} \d\d [\d:]{8} \d{4}\n$/);
    const want = {
      USER: 'joe',
      HOME: home,
      LOCAL: 'joe-A-b-c-d',
      HOST: 'x.mail.host.test',
      HOST2: 'x.mail.host',
      HOST3: 'x.mail',
      HOST4: 'x',
      RECIPIENT: 'joe-A-b-c-d@x.mail.host.test',
      SENDER: 'list-@far.test',
      NEWSENDER: 'list-@far.test',
      DTLINE: 'Delivered-To: joe-A-b-c-d@x.mail.host.test\n',
      RPLINE: 'Return-Path: <list-@far.test>\n',
      EXT: 'A-b-c-d',
      EXT2: 'b-c-d',
      EXT3: 'c-d',
      EXT4: 'd',
      DEFAULT: 'A-b-c-d',
      INHERITED: 'yes',
    };
    for (const [key, value] of Object.entries(want))
      expect([key, all.get(key)]).toEqual([key, value]);
    put('.qmail', '|printenv DEFAULT || echo unset "$EXT".; pwd; cat; exit 0\n');
    expect(await deliver('joe@mail.test', 'a@b')).toBe(`Kunset .\n${home}\n${MESSAGE}did 0+0+1\n`);
  });

  test('an mbox that cannot take all of it gets its length back', async () => {
    // No file may grow beyond 100 blocks of 512 bytes.
    const big = messageName(host.mess(`Subject: big\n\n${'x'.repeat(2_000_000)}\n`));
    put('Mailbox', 'From old\n\nold\n\n', 0o600);
    const { uid, gid, env } = host;
    const words = ['joe', home, 'joe', '', '', 'mail.test', 'a@b', './Mailbox'];
    const limited = await run(
      '/bin/sh',
      ['-c', 'ulimit -f 100; exec "$0" -- "$@" <"$MESSAGE"', join(DIST, 'qmail-local'), ...words],
      { env: { ...env, MESSAGE: join(host.home, 'queue/mess', big) }, uid, gid },
    );
    expect(limited).toMatchObject({
      code: 111,
      err: 'Unable to write ./Mailbox: file too large. (#4.3.0)\n',
    });
    expect(read('Mailbox')).toBe('From old\n\nold\n\n');
    expect(await deliver('joe@mail.test', 'a@b', big)).toBe('Kdid 1+0+0\n');
  });
});

test('qmail-local -n says what it would do, and does nothing', async () => {
  const host = new ClassicHost();
  try {
    const home = host.directory('joe');
    host.file('joe/.qmail', './Mailbox\n./Maildir/\n|prog x\n&one@a\ntwo@b\n# no\n');
    chmodSync(home, 0o1755);
    const words = ['-n', 'joe', home, 'joe', '', '', 'mail.test', 'a@b', './Mailbox'];
    const { env, uid, gid } = host;
    const said = await run(join(DIST, 'qmail-local'), words, { env, uid, gid });
    expect({ ...said, out: said.out.toString('latin1') }).toEqual({
      code: 0,
      out: 'mbox ./Mailbox\nmaildir ./Maildir/\nprogram prog x\nforward one@a\nforward two@b\ndid 2+2+1\n',
      err: 'Warning: home directory is sticky.\n',
    });
    expect(readdirSync(home)).toEqual(['.qmail']);
    writeFileSync(join(home, '.qmail'), '');
    const wrong = await run(join(DIST, 'qmail-local'), words.slice(0, 8), { env, uid, gid });
    expect(wrong.code).toBe(100);
  } finally {
    host.remove();
  }
});
