// Alias tables and .forward files end to end, and beside the C programs of Debian's fastforward and dot-forward.

import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DIST,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
} from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { ownedDirectory } from './lib/real-host.ts';
import { installed, isRoot, type Ran, run, SYSTEM_PATH } from './lib/run.ts';

let dir: string;
let work: string;

/** Runs one of our programs in the work directory, whose control files it sees. */
function ours(
  program: string,
  args: readonly string[] = [],
  input: string | Buffer = '',
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const all = { PATH: SYSTEM_PATH, QMAILHOME: dir, ...env };
  return run(join(DIST, program), args, { input, cwd: work, env: all });
}

beforeAll(() => {
  dir = openDirectory('forward-');
  work = join(dir, 'work');
  for (const name of ['control', 'bin']) ownedDirectory(join(dir, name), ids());
  const controls = { me: 'mail.host.test', defaultdomain: 'dd.test', plusdomain: 'plus.test' };
  for (const [name, value] of Object.entries(controls))
    writeFileSync(join(dir, 'control', name), `${value}\n`);
});
afterAll(() => rmSync(dir, { recursive: true }));
beforeEach(() => {
  rmSync(work, { recursive: true, force: true });
  ownedDirectory(work, ids());
});

function ids() {
  return { uid: process.getuid?.() as number, gid: process.getgid?.() as number };
}

function write(name: string, content: string | Buffer, mode = 0o644): void {
  writeFileSync(join(work, name), content, 'latin1');
  chmodSync(join(work, name), mode);
}

function text(ran: Ran): string {
  return ran.out.toString('latin1');
}

describe('setforward and printforward', () => {
  test('print what was set, in a form that sets the same', async () => {
    const table =
      '# staff\nRoot@Host.test: ann@x.test, &bob@x.test, ?owner@x.test, |log\\ mail\\, now, !vacation, /a.bin, ./b.bin;\n' +
      '@all.test: \\#odd@x.test; user@: \\:u@x.test;';
    expect(await ours('setforward', ['t.cdb', 't.tmp'], table)).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(work)).toEqual(['t.cdb']);
    const printed = text(await ours('printforward', [], readFileSync(join(work, 't.cdb'))));
    expect(printed).toBe(
      'root@host.test: ?owner@x.test;\n' +
        'root@host.test:\n, &ann@x.test\n, &bob@x.test\n, |log\\ mail\\,now\n, !vacation\n, /a.bin\n, ./b.bin\n;\n' +
        '@all.test:\n, &\\#odd@x.test\n;\nuser@:\n, &\\:u@x.test\n;\n',
    );
    const before = readFileSync(join(work, 't.cdb'));
    await ours('setforward', ['t.cdb', 't.tmp'], printed);
    expect(readFileSync(join(work, 't.cdb'))).toEqual(before);
  });

  test.each([
    ['setforward', ['t.cdb', 't.tmp']],
    ['setmaillist', ['t.list', 't.tmp']],
  ])('%s leaves the table as it was when its standard input was closed', async (name, args) => {
    const [table = ''] = args;
    write(table, 'old');
    const ran = await run('sh', ['-c', '"$@" <&-', 'sh', join(DIST, name), ...args], { cwd: work });
    expect(ran.code).toBe(111);
    expect(ran.err).toMatch(new RegExp(`^${name}: fatal: unable to read input: .*\n$`));
    expect(readdirSync(work)).toEqual([table]);
    expect(readFileSync(join(work, table), 'latin1')).toBe('old');
  });

  test.each([
    ['a:b', 'final instruction must end with semicolon'],
    ['a:b:c;', 'double colons are not permitted'],
    ['a;b:c;', 'commas are not permitted before colons'],
    ['a,b:c;', 'commas are not permitted before colons'],
    [`a:${'x'.repeat(801)};`, 'addresses over 800 bytes are not permitted'],
    ['a:b\0c;', 'NUL bytes are not permitted'],
    ['a:&;', 'empty recipient addresses not permitted'],
  ])('%j is 100, and the old table stays', async (table, message) => {
    write('t.cdb', 'old');
    expect(await ours('setforward', ['t.cdb', 't.tmp'], table)).toMatchObject({
      code: 100,
      err: `setforward: fatal: ${message}\n`,
    });
    expect(readdirSync(work)).toEqual(['t.cdb']);
    expect(readFileSync(join(work, 't.cdb'), 'latin1')).toBe('old');
  });

  test('a wrong call is 100 and a usage line; a directory that is not there is 111', async () => {
    for (const program of ['setforward', 'setmaillist', 'newinclude']) {
      const { code, err } = await ours(program, program === 'newinclude' ? [] : ['one']);
      expect(code).toBe(100);
      expect(err).toMatch(new RegExp(`^${program}: usage: ${program} `));
    }
    expect(await ours('setforward', ['no/t.cdb', 't.tmp'], '')).toMatchObject({
      code: 111,
      err: 'setforward: fatal: unable to move t.tmp to no/t.cdb: no such file or directory\n',
    });
    expect(readdirSync(work)).toEqual([]);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half a table', Buffer.alloc(1000)],
    ['tables before the records', Buffer.alloc(2048, 1)],
    ['a mailing list', Buffer.from('&a@b\0')],
  ])('printforward of %s is 100', async (_, bytes) => {
    expect(await ours('printforward', [], bytes)).toMatchObject({
      code: 100,
      err: 'printforward: fatal: bad database format\n',
    });
  });

  test('an instruction of a hundred thousand addresses goes through, in pieces', async () => {
    const many = Array.from({ length: 100_000 }, (_, n) => `user${n}@example.test`);
    const table = `all@h:${many.join(',')};`;
    expect(await ours('setforward', ['t.cdb', 't.tmp'], table)).toMatchObject({ code: 0 });
    const printed = text(await ours('printforward', [], readFileSync(join(work, 't.cdb'))));
    expect(printed.split('\n').length).toBe(100_000 + 3);
  });
});

describe('setmaillist, printmaillist and newinclude', () => {
  test('make and print a list, readable by everybody', async () => {
    const lines = '# x\n\nann@x.test \t\n&bob@x.test\n/etc/more.bin\n./near.bin\n';
    expect(await ours('setmaillist', ['l.bin', 'l.tmp'], lines)).toMatchObject({
      code: 0,
      err: '',
    });
    const bytes = readFileSync(join(work, 'l.bin'));
    expect(bytes.toString('latin1')).toBe('&ann@x.test\0&bob@x.test\0/etc/more.bin\0./near.bin\0');
    expect(text(await ours('printmaillist', [], bytes))).toBe(
      '&ann@x.test\n&bob@x.test\n/etc/more.bin\n./near.bin\n',
    );
  });

  test.each([
    ['a\0b', 'NUL in input'],
    [`${'a'.repeat(801)}`, 'addresses over 800 bytes are not permitted'],
    ['&', 'empty recipient addresses not permitted'],
    ['x'.repeat(100_000), 'lines must be shorter'],
  ])('setmaillist: what is no list leaves the old one', async (lines, message) => {
    write('l.bin', 'old');
    const { code, err } = await ours('setmaillist', ['l.bin', 'l.tmp'], lines);
    expect([code, err]).toEqual([111, `setmaillist: fatal: ${message}\n`]);
    expect(readdirSync(work)).toEqual(['l.bin']);
  });

  test.each(['|x\0', '&a', 'abc\0', '&a\nb\0', '/x\0\0'])(
    'printmaillist: %j is no list',
    async (bytes) => {
      expect(await ours('printmaillist', [], bytes)).toMatchObject({
        code: 100,
        err: 'printmaillist: fatal: bad mailing list format\n',
      });
    },
  );

  test('newinclude reads addresses as in a header, and names of further lists', async () => {
    write(
      'staff',
      '# staff\nann, Bob <bob@x>\n:include:/etc/more\n :include: near (a comment), :include:done.bin\n',
    );
    expect(await ours('newinclude', ['staff'])).toMatchObject({ code: 0, err: '' });
    expect(text(await ours('printmaillist', [], readFileSync(join(work, 'staff.bin'))))).toBe(
      '&bob@x.dd.test\n&ann@mail.host.test\n/etc/more.bin\n./done.bin\n./near.bin\n',
    );
  });

  test.each([
    ['"|vacation"', 'program delivery |vacation not supported'],
    ['/var/mail/x', 'file delivery /var/mail/x not supported'],
    ['"open', 'unable to parse this line: "open'],
    [':include:', 'empty :include: filenames not permitted'],
    ['a\0b', 'unable to parse this line: a\0b'],
  ])('newinclude: %j is 111, and nothing is made', async (line, message) => {
    write('staff', `${line}\n`);
    const { code, err } = await ours('newinclude', ['staff']);
    expect([code, err]).toEqual([111, `newinclude: fatal: ${message}\n`]);
    expect(readdirSync(work)).toEqual(['staff']);
  });
});

describe('newaliases', () => {
  const ALIASES =
    '# comment\n  and more of it: no\n\nRoot: ann, bob@x.test, "|log mail", :include:/etc/staff\n' +
    'multi:\n  x,\n\n  Joe S <joe@h> (c)\nowner-list: own\nlist: a@p+\n@all.test: z\nfoo@bar.test: \\q, "a b"@[192.0.2.1]\n';

  test('makes the table that fastforward reads, with owners and hosts', async () => {
    write('aliases', ALIASES);
    expect(await ours('newaliases', ['aliases'])).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(work).sort()).toEqual(['aliases', 'aliases.cdb']);
    const printed = text(await ours('printforward', [], readFileSync(join(work, 'aliases.cdb'))));
    expect(printed).toBe(
      'root@:\n, /etc/staff.bin\n, !log\\ mail\n, &bob@x.test\n, &ann@mail.host.test\n;\n' +
        'multi@:\n, &joe@h.dd.test\n, &x@mail.host.test\n;\n' +
        'list@: ?owner-list@mail.host.test;\nowner-list@:\n, &own@mail.host.test\n;\n' +
        'list@:\n, &a@p.plus.test\n;\n@all.test:\n, &z@mail.host.test\n;\n' +
        'foo@bar.test:\n, &a\\ b@[192.0.2.1]\n, &q@mail.host.test\n;\n',
    );
  });

  test.each([
    ['a: /var/mail/a', 'file delivery /var/mail/a not supported'],
    ['alone', 'unable to parse this line: alone'],
    ['a:', 'unable to parse this line: a:'],
    ['@: b', 'unable to parse this line: @: b'],
    ['a@: b', 'unable to parse this line: a@: b'],
    ['a: "b', 'unable to parse this line: a: "b'],
    ['a: <>', 'empty recipient addresses not permitted'],
    ['a: :include:', 'empty :include: filenames not permitted'],
    [`a: ${'b'.repeat(801)}`, 'addresses over 800 bytes are not permitted'],
  ])('%j is 111, and the old table stays', async (line, message) => {
    write('aliases', `ok: x\n${line}\n`);
    write('aliases.cdb', 'old');
    const { code, err } = await ours('newaliases', ['aliases']);
    expect(code).toBe(111);
    expect(err.trimEnd()).toBe(`newaliases: fatal: ${message}`);
    expect(readFileSync(join(work, 'aliases.cdb'), 'latin1')).toBe('old');
    expect(existsSync(join(work, 'aliases.tmp'))).toBe(false);
  });

  test('a file that is not there, or is none, is 111', async () => {
    expect((await ours('newaliases', ['none'])).code).toBe(111);
    expect((await ours('newaliases', ['.'])).err).toBe(
      'newaliases: fatal: unable to read .: not a regular file\n',
    );
  });
});

describe.runIf(
  installed(
    '/usr/bin/fastforward',
    '/usr/bin/setforward',
    '/usr/sbin/qmail-newaliases',
    '/usr/bin/dot-forward',
  ),
)('beside the C programs (needs fastforward, dot-forward)', () => {
  const TABLE =
    'root@h: &a@x, list@h, joe@h, user@, |prog\\ x, WORK/l1.bin; list@h: b@x, c@x, ?owner@h; joe@h: &d@x, a@x;' +
    '@wild: w@w; user@: u@u; own@h: ?o@h, &e@x, b@x; loop@h: loop@h, z@z; r@: ?own@h, &c@x; r@h: &a@x;' +
    'q@: &b@x; q@h:?o; deep@: r@h, q@k, r@; a@b@c: x@y; odd@h: \\:\\ \\\xe9\\\t@x;';

  async function c(program: string, args: string[], input: string | Buffer = '', env = {}) {
    return run(`/usr/bin/${program}`, args, {
      input,
      cwd: work,
      env: { PATH: SYSTEM_PATH, ...env },
    });
  }

  test('the tables are the same, byte for byte', async () => {
    const input = Buffer.from(TABLE.replace('WORK', work), 'latin1');
    await c('setforward', ['theirs.cdb', 't.tmp'], input);
    await ours('setforward', ['ours.cdb', 't.tmp'], input);
    const table = readFileSync(join(work, 'ours.cdb'));
    expect(table.equals(readFileSync(join(work, 'theirs.cdb')))).toBe(true);
    expect(text(await ours('printforward', [], table))).toBe(
      text(await c('printforward', [], table)),
    );
  });

  test('fastforward -n says the same of every address', async () => {
    await c('setforward', ['t.cdb', 't.tmp'], Buffer.from(TABLE.replace('WORK', work), 'latin1'));
    write('l1.bin', `&l1@x\0${work}/l2.bin\0`);
    write('l2.bin', `&l2@x\0${work}/l1.bin\0`);
    const addresses = [
      'root@h',
      'LIST@H',
      'joe@h',
      'user@any',
      'own@h',
      'none@h',
      'loop@h',
      'x@wild',
      'r@h',
      'r@k',
      'q@h',
      'q@k',
      'deep@p',
      'a@b@c',
      'odd@h',
      'user',
    ];
    for (const RECIPIENT of addresses) {
      for (const SENDER of ['s@s', '', '#@[]']) {
        const env = { RECIPIENT, SENDER };
        const theirs = await c('fastforward', ['-np', 't.cdb'], '', env);
        const our = await ours('fastforward', ['-np', 't.cdb'], '', env);
        const sorted = (ran: Ran) => ran.err.split('\n').sort();
        expect([RECIPIENT, our.code, sorted(our)]).toEqual([
          RECIPIENT,
          theirs.code,
          sorted(theirs),
        ]);
      }
    }
  });

  test.runIf(isRoot)(
    'newaliases, newinclude and dot-forward read the same (needs root)',
    async () => {
      const aliases =
        'root: ann, bob@x.test, "|log mail", (c) :include:/etc/staff\nowner-l: o\nl: a@p+, Joe <j@h>\n@all.test: z\nf@b.test: \\q, "a b"@[192.0.2.1]\n';
      const forward = 'ann, Bob <bob@x> (c), "a b"@y.test\n# c\n\\joe, "|vacation joe"\n';
      write('aliases', aliases);
      write('list', 'ann, bob@x\n d e\n# c\n"a b"@h.test\n');
      write('fw', forward);
      // The C programs know only their own places: they see these there.
      const script =
        'mount -t tmpfs none /var/lib/qmail && cp -r "$QMAILHOME/control" /var/lib/qmail/ && mount --bind "$PWD" /etc && ' +
        'qmail-newaliases && newinclude list && mv list.bin theirs.bin && dot-forward -n fw; echo $?';
      const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', QMAILHOME: dir, USER: 'joe', HOST: 'h' };
      const theirs = await run('unshare', ['-m', 'sh', '-c', script], { cwd: work, env });
      expect(text(theirs), theirs.err).toBe('0\n');
      const table = text(await ours('printforward', [], readFileSync(join(work, 'aliases.cdb'))));
      await ours('newaliases', ['aliases']);
      const again = text(await ours('printforward', [], readFileSync(join(work, 'aliases.cdb'))));
      expect(again.split('\n').sort()).toEqual(table.split('\n').sort());
      await ours('newinclude', ['list']);
      expect(readFileSync(join(work, 'list.bin'), 'latin1')).toBe(
        readFileSync(join(work, 'theirs.bin'), 'latin1'),
      );
      const our = await ours('dot-forward', ['-n', 'fw'], '', { USER: 'joe', HOST: 'h' });
      expect(our.err.split('\n').sort()).toEqual(theirs.err.split('\n').sort());
    },
  );
});

describe('in a running instance', () => {
  let instance: RunningInstance | undefined;
  let top: string;
  let home: string;

  beforeAll(async () => {
    top = openDirectory('forward-instance-');
    home = join(top, 'var');
    instance = await startInstance(home);
  });
  afterAll(async () => {
    await removeInstance(home, [instance?.supervisor]);
    await removeInstance(top, []);
  });

  function inbox(subject: string): Promise<string> {
    const box = join(home, 'domains/example.test/users/alice/new');
    return until(`"${subject}" is in the mailbox`, () =>
      readdirSync(box)
        .map((name) => readFileSync(join(box, name), 'latin1'))
        .find((message) => message.includes(`Subject: ${subject}\n`)),
    );
  }

  function send(to: string, subject: string, sender = 'sender@elsewhere.test'): Promise<Ran> {
    const env = { PATH: SYSTEM_PATH, QMAILHOME: home };
    return run(join(home, 'bin/sendmail'), ['-f', sender, '-t'], {
      env,
      input: `To: ${to}\nSubject: ${subject}\n\nhello\n`,
    });
  }

  test('~alias/.qmail-default with fastforward serves /etc/aliases: an address, a program, a list with its owner', async () => {
    const aliases = join(home, 'aliases');
    writeFileSync(
      aliases,
      `team: alice@example.test\nprog: "|cat >${home}/alias/got"\nstaff: :include:${home}/staff\nowner-staff: team\n`,
    );
    writeFileSync(join(home, 'staff'), 'alice@example.test\n');
    const env = { PATH: SYSTEM_PATH, QMAILHOME: home };
    for (const [program, file] of [
      ['newaliases', aliases],
      ['newinclude', join(home, 'staff')],
    ] as const)
      expect(await run(join(home, 'bin', program), [file], { env })).toMatchObject({
        code: 0,
        err: '',
      });
    writeFileSync(join(home, 'alias/.qmail-default'), `| fastforward -d ${aliases}.cdb\n`, {
      mode: 0o644,
    });
    await send('team@mail.example.test', 'to the team');
    const team = await inbox('to the team');
    expect(team).toMatch(/^Return-Path: <sender@elsewhere\.test>\n/);
    expect(team).toContain('Delivered-To: team@mail.example.test\n');
    await send('staff@mail.example.test', 'to the staff');
    expect(await inbox('to the staff')).toMatch(
      /^Return-Path: <owner-staff@mail\.example\.test>\n/,
    );
    await send('prog@mail.example.test', 'to a program');
    const got = await until('the program has run', () =>
      existsSync(join(home, 'alias/got')) &&
      readFileSync(join(home, 'alias/got'), 'latin1').includes('hello')
        ? readFileSync(join(home, 'alias/got'), 'latin1')
        : undefined,
    );
    expect(got).toMatch(
      /^From sender@elsewhere\.test .*\nReturn-Path: <sender@elsewhere\.test>\nDelivered-To: prog@mail.example.test\nReceived: /,
    );
    await send('nobody@mail.example.test', 'to nobody', 'alice@example.test');
    expect(await inbox('failure notice')).toContain(
      '<nobody@mail.example.test>:\nSorry, no mailbox here by that name. (#5.1.1)\n',
    );
  });

  test('|dot-forward .forward forwards, and leaves the rest to .qmail when the user is among the recipients', async () => {
    const uid = Number(
      /^\+:[^:]*:(\d+):/m.exec(readFileSync(join(home, 'users/assign'), 'latin1'))?.[1],
    );
    const alias = join(home, 'alias');
    writeFileSync(join(alias, '.qmail-fw'), '|dot-forward .forward\n./direct\n', { mode: 0o644 });
    writeFileSync(join(alias, '.forward'), 'alice@example.test\n', { mode: 0o644 });
    await send('fw@mail.example.test', 'by dot-forward');
    expect(await inbox('by dot-forward')).toContain('Delivered-To: fw@mail.example.test\n');
    expect(existsSync(join(alias, 'direct'))).toBe(false);
    const user =
      (await run('id', ['-un', String(uid)])).out.toString('latin1').trim() || `uid${uid}`;
    writeFileSync(join(alias, '.forward'), `\\${user}, alice@example.test\n`, { mode: 0o644 });
    await send('fw@mail.example.test', 'by both');
    await inbox('by both');
    await until(
      'the message is in the mbox',
      () =>
        existsSync(join(alias, 'direct')) &&
        readFileSync(join(alias, 'direct'), 'latin1').includes('Subject: by both'),
    );
  });
});
