// qmail-pw2u with a passwd file and the files in users/, and on to qmail-newu and a delivery.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  DIST,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
} from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { TestQueue } from './lib/queue.ts';
import { type Ran, run, SYSTEM_PATH } from './lib/run.ts';

let queue: TestQueue;
let passwd: string;

beforeEach(() => {
  queue = new TestQueue();
  passwd =
    'root:x:0:0:root:/root:/bin/sh\n' +
    `joe:x:${queue.uid}:100:Joe,,,:${queue.home}/Mail:/bin/sh\n` +
    `alias:x:${queue.uid}:101::${queue.home}/Mail:/bin/true\n`;
});
afterEach(() => queue.remove());

function pw2u(args: readonly string[] = [], input: string | Buffer = passwd): Promise<Ran> {
  return run(join(DIST, 'qmail-pw2u'), args, { input, env: queue.env });
}

/** Its output with this test's own names taken out. */
function lines(ran: Ran): string[] {
  expect([ran.code, ran.err]).toEqual([0, '']);
  const text = ran.out
    .toString('latin1')
    .replaceAll(`${queue.home}/Mail`, 'H')
    .replaceAll(`:${queue.uid}:`, ':U:');
  expect(text.endsWith('\n.\n')).toBe(true);
  return text.split('\n').slice(0, -2);
}

const JOE = ['=joe:joe:U:100:H:::', '+joe-:joe:U:100:H:-::'];
const ALIAS = ['+:alias:U:101:H:-::', '=alias:alias:U:101:H:::', '+alias-:alias:U:101:H:-::'];

test('gives each account its address and its extensions, and the rest to alias; never anything to root', async () => {
  expect(lines(await pw2u())).toEqual([...JOE, ...ALIAS]);
});

describe('options', () => {
  test.each([
    [['-/'], ['=joe:joe:U:100:H:::', '+joe-:joe:U:100:H:-/::', '+:alias:U:101:H:-/::']],
    [['-c+'], ['=joe:joe:U:100:H:::', '+joe+:joe:U:100:H:-::', '+:alias:U:101:H:-::']],
    [
      ['-c', '='],
      ['=joe:joe:U:100:H:::', '+joe=:joe:U:100:H:-::', '+:alias:U:101:H:-::'],
    ],
    [['-C'], ['=joe:joe:U:100:H:::', '+:alias:U:101:H:-::', '=alias:alias:U:101:H:::']],
    [['-Cc_/'], ['=joe:joe:U:100:H:::', '+joe_:joe:U:100:H:-::', '+:alias:U:101:H:-::']],
  ])('%j', async (words, first) => {
    expect(lines(await pw2u(words)).slice(0, 3)).toEqual(first);
  });

  test('-u lets upper case in, -U (the default) does not; the last counts', async () => {
    const input = passwd.replace('joe:', 'Joe:');
    expect(lines(await pw2u([], input))).toEqual(ALIAS);
    expect(lines(await pw2u(['-uU'], input))).toEqual(ALIAS);
    expect(lines(await pw2u(['-u'], input))[0]).toBe('=Joe:Joe:U:100:H:::');
  });

  test('a missing home is skipped (-o), stops it (-h), or is not looked at (-H)', async () => {
    const input = `ann:x:${queue.uid}:100::${queue.home}/none:/bin/sh\n${passwd}`;
    expect(lines(await pw2u([], input))).toEqual([...JOE, ...ALIAS]);
    expect(lines(await pw2u(['-ho'], input))).toEqual([...JOE, ...ALIAS]);
    expect(await pw2u(['-h'], input)).toMatchObject({
      code: 111,
      err: `qmail-pw2u: fatal: unable to stat ${queue.home}/none\n`,
    });
    expect(lines(await pw2u(['-H'], input))[0]).toBe(`=ann:ann:U:100:${queue.home}/none:::`);
  });

  test('a home of another owner is skipped, but for -H; one that is below a file stops it', async () => {
    const other = passwd.replace(`joe:x:${queue.uid}:`, `joe:x:${queue.uid + 1}:`);
    expect(lines(await pw2u([], other))).toEqual(ALIAS);
    expect(lines(await pw2u(['-h'], other))).toEqual(ALIAS);
    expect(lines(await pw2u(['-H'], other))[0]).toBe(`=joe:joe:${queue.uid + 1}:100:H:::`);
    const below = passwd.replace(`${queue.home}/Mail`, `${queue.home}/control/me/x`);
    expect((await pw2u([], below)).code).toBe(111);
  });

  test.each([['-z'], ['-c'], ['-oz']])('%s is 100', async (word) => {
    const { code, err, out } = await pw2u([word]);
    expect([code, err, out.length]).toEqual([
      100,
      'qmail-pw2u: usage: qmail-pw2u [ -/ohHuUC ] [ -cchar ]\n',
      0,
    ]);
  });
});

describe('files', () => {
  test('users/include and users/exclude choose accounts, without regard to case', async () => {
    queue.file('users/exclude', '# not these\nJOE\n');
    expect(lines(await pw2u())).toEqual(ALIAS);
    queue.file('users/exclude', '');
    queue.file('users/include', 'alias \n');
    expect(lines(await pw2u())).toEqual(ALIAS);
    queue.file('users/include', '');
    expect(await pw2u()).toMatchObject({
      code: 111,
      err: 'qmail-pw2u: fatal: unable to find alias user\n',
    });
  });

  test('users/mailnames: other names instead of the own one', async () => {
    queue.file('users/mailnames', 'Joe:joseph::j.smith:\nnobody:n\n');
    expect(lines(await pw2u())).toEqual([
      '=joseph:joe:U:100:H:::',
      '+joseph-:joe:U:100:H:-::',
      '=j.smith:joe:U:100:H:::',
      '+j.smith-:joe:U:100:H:-::',
      ...ALIAS,
    ]);
  });

  test('users/subusers: addresses below an account; users/append: anything', async () => {
    queue.file('users/subusers', 'sales:Joe:shop:\nno line\n');
    queue.file('users/append', '=x:y:1:2:/z:::');
    expect(lines(await pw2u())).toEqual([
      ...JOE,
      ...ALIAS,
      '=sales:joe:U:100:H:-:shop:',
      '+sales-:joe:U:100:H:-:shop-:',
      '=x:y:1:2:/z:::',
    ]);
    queue.file('users/subusers', 'sales:ann:shop:\n');
    expect(await pw2u()).toMatchObject({
      code: 111,
      err: 'qmail-pw2u: fatal: unable to find ann user for subuser\n',
    });
  });

  test('what is no account is passed over: short lines, NULs, numbers that are none', async () => {
    const odd = '\n+::::::\n+nis\n:x:5:5::/:\nx:y\nu:x:5\nbad\0:x:5:5::/:/\nminus:x:-2:-2::/:/\n';
    expect(lines(await pw2u(['-H'], odd + passwd))).toEqual([...JOE, ...ALIAS]);
    expect(lines(await pw2u([], passwd.trimEnd()))).toEqual([...JOE, ...ALIAS]);
  });

  test('a line without end, and a file that cannot be read, are 111 without the last line', async () => {
    const long = await pw2u([], `${passwd}${'x'.repeat(100_000)}`);
    expect([long.code, long.err]).toEqual([
      111,
      'qmail-pw2u: fatal: line 4 of input is too long\n',
    ]);
    expect(long.out.toString('latin1')).not.toMatch(/^\.$/m);
    queue.file('users/include', '');
    const { code, err } = await run(join(DIST, 'qmail-pw2u'), [], {
      input: passwd,
      env: { ...queue.env, QMAILHOME: join(queue.home, 'control/me') },
    });
    expect([code, err]).toEqual([
      111,
      expect.stringMatching(/^qmail-pw2u: fatal: unable to open .*: not a directory\n$/),
    ]);
  });

  test('a hundred thousand accounts go through', async () => {
    const many = Array.from(
      { length: 100_000 },
      (_, n) => `u${n}:x:${1000 + n}:100::/home/u${n}:/bin/sh\n`,
    );
    expect(lines(await pw2u(['-H'], many.join('') + passwd)).length).toBe(200_000 + 5);
  });
});

describe('on to a delivery', () => {
  let top: string;
  let instance: RunningInstance | undefined;

  beforeEach(() => {
    top = openDirectory('pw2u-');
  });
  afterEach(async () => {
    await removeInstance(join(top, 'var'), [instance?.supervisor]);
    await removeInstance(top, []);
  });

  test('passwd to users/assign to users/cdb: the next message goes to the account', async () => {
    const home = join(top, 'var');
    instance = await startInstance(home);
    const ids = /^\+:([^:]*):(\d+):(\d+):/m.exec(
      readFileSync(join(home, 'users/assign'), 'latin1'),
    );
    const [uid, gid] = [ids?.[2] as string, ids?.[3] as string];
    const users = ['joe', 'alias'].map(
      (name) => `${name}:x:${uid}:${gid}::${home}/alias:/bin/sh\n`,
    );
    const env = { PATH: SYSTEM_PATH, QMAILHOME: home };
    writeFileSync(
      join(home, 'users/append'),
      `+example-:x:${uid}:${gid}:${home}/domains/example.test:-::\n`,
    );
    writeFileSync(join(home, 'users/subusers'), 'sales:joe:shop:\n');
    const made = await run(join(home, 'bin/qmail-pw2u'), [], { input: users.join(''), env });
    expect([made.code, made.err]).toEqual([0, '']);
    writeFileSync(join(home, 'users/assign'), made.out);
    expect(await run(join(home, 'bin/qmail-newu'), [], { env })).toMatchObject({
      code: 0,
      err: '',
    });
    writeFileSync(join(home, 'alias/.qmail-shop-default'), '&alice@example.test\n', {
      mode: 0o644,
    });
    const sent = await run(
      join(home, 'bin/sendmail'),
      ['-f', '', 'sales-today@mail.example.test'],
      {
        input: 'Subject: by pw2u\n\nhello\n',
        env,
      },
    );
    expect([sent.code, sent.err]).toEqual([0, '']);
    const box = join(home, 'domains/example.test/users/alice/new');
    const got = await until('the message is in the mailbox', () =>
      readdirSync(box)
        .map((name) => readFileSync(join(box, name), 'latin1'))
        .find((message) => message.includes('Subject: by pw2u\n')),
    );
    expect(got).toContain('Delivered-To: sales-today@mail.example.test\n');
  });
});
