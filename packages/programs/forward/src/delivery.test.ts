// fastforward and dot-forward as qmail-local runs them: what reaches programs and the queue, and the exit codes.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundlePrograms } from '@q/proc/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const MESSAGE = 'Subject: x\n\nhello\n';
const LINES = { UFLINE: 'From s\n', RPLINE: 'Return-Path: <s@s>\n', DTLINE: 'Delivered-To: d@d\n' };
/** Keeps what it is given, and ends with $EXIT. */
const QUEUE = `#!/bin/sh\ncat >"$QMAILHOME/queued"; tr '\\000' '~' <&1 >"$QMAILHOME/envelope"; exit \${EXIT:-0}\n`;

let top: string;
let home: string;

beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), 'forward-'));
  await bundlePrograms(join(top, 'bin'), ['fastforward', 'dot-forward', 'setforward']);
});
afterAll(() => rmSync(top, { recursive: true }));
beforeEach(() => {
  home = join(top, 'home');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, 'control'), { recursive: true });
  put('control/me', 'host.test\n');
  put('queue-program', QUEUE, 0o755);
});

function put(name: string, content: string, mode = 0o644): void {
  writeFileSync(join(home, name), content, 'latin1');
  chmodSync(join(home, name), mode);
}

function got(name: string): string | undefined {
  return existsSync(join(home, name)) ? readFileSync(join(home, name), 'latin1') : undefined;
}

interface Ran {
  readonly code: number | null;
  readonly err: string;
}

/** Runs a program in the home with `input` as a file on fd 0, or a pipe. */
async function call(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  input = MESSAGE,
  asPipe = false,
): Promise<Ran> {
  put('message', input);
  const fd = openSync(join(home, 'message'), 'r');
  const child = spawn(join(top, 'bin', program), args, {
    cwd: home,
    env: {
      PATH: process.env.PATH,
      QMAILHOME: home,
      QMAILQUEUE: join(home, 'queue-program'),
      ...LINES,
      ...env,
    },
    stdio: [asPipe ? 'pipe' : fd, 'pipe', 'pipe'],
  });
  child.stdin?.end(input);
  let err = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      err += chunk.toString('latin1');
    });
  const [code] = await once(child, 'close');
  closeSync(fd);
  return { code, err };
}

async function table(text: string): Promise<void> {
  expect(await call('setforward', ['t.cdb', 't.tmp'], {}, text)).toEqual({ code: 0, err: '' });
}

function forward(recipient: string, env: NodeJS.ProcessEnv = {}, ...flags: string[]): Promise<Ran> {
  return call('fastforward', [...flags, 't.cdb'], { RECIPIENT: recipient, SENDER: 's@s', ...env });
}

describe('fastforward', () => {
  test('queues one copy under its Delivered-To line, for all recipients, from the sender', async () => {
    await table('a@h: &x@x, list@h, y@y, x@x; list@h: z@z;');
    const { code, err } = await forward('a@h');
    expect([code, err]).toEqual([0, expect.stringMatching(/^fastforward: qp \d+\n$/)]);
    expect(got('queued')).toBe(`Delivered-To: d@d\n${MESSAGE}`);
    expect(got('envelope')).toBe('Fs@s~Tx@x~Tz@z~Ty@y~~');
  });

  test.each([
    ['s@s', 'Fo@h~'],
    ['s-@h-@[]', 'Fo@h~'],
    ['', 'F~'],
    ['#@[]', 'F#@[]~'],
  ])("the owner takes the place of the sender %j, not of a bounce's", async (SENDER, expected) => {
    await table('a@h: &x@x, ?o@h;');
    expect((await forward('a@h', { SENDER })).code).toBe(0);
    expect(got('envelope')).toBe(`${expected}Tx@x~~`);
  });

  test('-p goes on with .qmail for an unknown address, and stops after a known one', async () => {
    await table('a@h: |true;');
    expect(await forward('none@h', {}, '-p')).toEqual({ code: 0, err: '' });
    expect(await forward('a@h', {}, '-p')).toEqual({ code: 99, err: '' });
    expect(await forward('a@h', {}, '-pP')).toEqual({ code: 0, err: '' });
    expect(await forward('none@h')).toEqual({
      code: 100,
      err: 'Sorry, no mailbox here by that name. (#5.1.1)\n',
    });
  });

  test('-d takes the address from DEFAULT or EXT, and HOST', async () => {
    await table('a@h: |true; RECIPIENT@h: |true;');
    expect((await forward('x', { DEFAULT: 'A', EXT: 'b', HOST: 'H' }, '-d')).code).toBe(0);
    expect((await forward('x', { EXT: 'a', HOST: 'h' }, '-d')).code).toBe(0);
    expect((await forward('recipient@h', { EXT: 'b', HOST: 'h' }, '-dD')).code).toBe(0);
    expect((await forward('x', { EXT: 'b', HOST: 'h' }, '-d')).code).toBe(100);
    expect(await forward('x', { HOST: 'h' }, '-d')).toEqual({
      code: 100,
      err: 'fastforward: fatal: $DEFAULT or $EXT must be set\n',
    });
    expect((await forward('x', { EXT: 'a' }, '-d')).err).toBe(
      'fastforward: fatal: $HOST must be set\n',
    );
  });

  test('a program reads the message from its start, each its own; with "!" under the three lines', async () => {
    await table(
      'a@h: |cat\\ >one, |head\\ -c\\ 3\\ >two, !cat\\ >three, !true, |printf\\ \\\xe9\\ >four;',
    );
    expect(await forward('a@h')).toEqual({ code: 0, err: '' });
    expect([got('one'), got('two'), got('four')]).toEqual([MESSAGE, 'Sub', '\xe9']);
    expect(got('three')).toBe(`From s\nReturn-Path: <s@s>\nDelivered-To: d@d\n${MESSAGE}`);
    expect(got('queued')).toBeUndefined();
  });

  test('a program that ends early does not hurt, however long the message', async () => {
    await table('a@h: !exit\\ 0, &x@x;');
    const env = { RECIPIENT: 'a@h', SENDER: '' };
    const long = 'x'.repeat(3_000_000);
    expect((await call('fastforward', ['t.cdb'], env, long)).code).toBe(0);
    expect(got('queued')?.length).toBe(long.length + LINES.DTLINE.length);
  });

  test.each([
    [0, 0],
    [1, 111],
    [64, 100],
    [75, 111],
    [77, 100],
    [99, 111],
    [100, 100],
    [111, 111],
    [112, 100],
  ])(
    'a program that ends with %i makes it end with %i, and nothing is queued then',
    async (theirs, ours) => {
      await table(`a@h: &x@x, !echo\\ told\\ >&2\\;\\ exit\\ ${theirs};`);
      const { code, err } = await forward('a@h');
      expect(code).toBe(ours);
      expect(err.startsWith('told\n')).toBe(true);
      expect(got('queued') === undefined).toBe(ours !== 0);
    },
  );

  test('a program that is killed is 111', async () => {
    await table('a@h: |kill\\ -9\\ $$;');
    expect(await forward('a@h')).toEqual({
      code: 111,
      err: 'fastforward: fatal: child crashed in kill -9 $$\n',
    });
  });

  test.each([
    ['31', 100, 'mail server permanently rejected message (#5.3.0)'],
    ['53', 111, 'qq write error or disk full (#4.3.0)'],
    ['71', 111, 'mail server temporarily rejected message (#4.3.0)'],
  ])("the queue's exit code %s is %i with its text", async (EXIT, code, text) => {
    await table('a@h: &x@x;');
    expect(await forward('a@h', { EXIT })).toEqual({ code, err: `fastforward: fatal: ${text}\n` });
  });

  test('an alias that leads only to itself bounces; one that leads elsewhere too goes there once', async () => {
    await table('a@h: b@h; b@h: A@H; c@h: d@h, c@h; d@h: c@h, &x@x;');
    expect(await forward('a@h')).toEqual({
      code: 100,
      err: 'fastforward: fatal: Sorry, the alias a@h leads back to itself. (#5.4.6)\n',
    });
    expect((await forward('c@h')).code).toBe(0);
    expect(got('envelope')).toBe('Fs@s~Tx@x~~');
  });

  test('lists that include each other end; an empty list is nobody', async () => {
    await table(`a@h: ./one.bin; e@h: ./empty.bin;`);
    put('one.bin', '&x@x\0./two.bin\0');
    put('two.bin', '&y@y\0./one.bin\0&x@x\0');
    put('empty.bin', '');
    expect((await forward('a@h')).code).toBe(0);
    expect(got('envelope')).toBe('Fs@s~Tx@x~Ty@y~~');
    expect(await forward('e@h')).toEqual({ code: 0, err: '' });
  });

  test('a list that cannot be trusted is 111, and nothing is done', async () => {
    await table('a@h: |touch\\ ran, ./list.bin;');
    const trouble: [string, () => void][] = [
      ['unable to read ./list.bin: no such file or directory', () => {}],
      ['./list.bin is not world-readable', () => put('list.bin', '&x@x\0', 0o640)],
      ['./list.bin is world-writable', () => put('list.bin', '&x@x\0', 0o646)],
      ['bad mailing list format in ./list.bin', () => put('list.bin', '|touch owned\0')],
      ['bad mailing list format in ./list.bin', () => put('list.bin', '&x@x')],
      ['bad mailing list format in ./list.bin', () => put('list.bin', '&x@x\n&y@y\0')],
      [
        './list.bin is not a regular file',
        () => {
          rmSync(join(home, 'list.bin'));
          symlinkSync('/dev/zero', join(home, 'list.bin'));
        },
      ],
    ];
    for (const [message, make] of trouble) {
      make();
      expect(await forward('a@h')).toEqual({ code: 111, err: `fastforward: fatal: ${message}\n` });
    }
    expect([got('ran'), got('owned'), got('queued')]).toEqual([undefined, undefined, undefined]);
  });

  test('a table that is missing or damaged is 111: never a bounce', async () => {
    expect((await forward('a@h')).code).toBe(111);
    put('t.cdb', 'x'.repeat(3000));
    expect((await forward('a@h')).code).toBe(111);
  });

  test('without a file on fd 0, a recipient, a sender or a table it says so', async () => {
    await table('a@h: &x@x;');
    const env = { RECIPIENT: 'a@h', SENDER: '' };
    expect(await call('fastforward', ['t.cdb'], env, MESSAGE, true)).toEqual({
      code: 111,
      err: 'fastforward: fatal: unable to rewind input: it is not a file\n',
    });
    expect((await call('fastforward', ['t.cdb'])).err).toBe(
      'fastforward: fatal: $RECIPIENT must be set\n',
    );
    expect((await call('fastforward', ['t.cdb'], { RECIPIENT: 'a@h' })).err).toBe(
      'fastforward: fatal: $SENDER must be set\n',
    );
    expect(await call('fastforward', ['-N'], env)).toEqual({
      code: 100,
      err: 'fastforward: usage: fastforward [ -nNpPdD ] data.cdb\n',
    });
  });

  test('what -n prints cannot disturb a terminal', async () => {
    await table('a@h: |x\\\x1b[2J, &\\\x9b@x;');
    expect(await forward('a@h', { SENDER: '\x1bs' }, '-n')).toEqual({
      code: 0,
      err: 'run |x_[2J\nfrom <_s>\nto <_@x>\n',
    });
  });
});

describe('dot-forward', () => {
  const USER = { USER: 'joe', HOST: 'host.test', NEWSENDER: 'new@s', SENDER: 'old@s' };

  function dot(text: string, env: NodeJS.ProcessEnv = {}, ...flags: string[]): Promise<Ran> {
    put('.forward', text);
    return call('dot-forward', [...flags, '.forward'], { ...USER, ...env });
  }

  test('forwards from NEWSENDER, runs programs under the three lines, and ends with 99', async () => {
    const { code, err } = await dot('ann, Bob <bob@x.test> (c)\n# not@this\n"|cat >one", ann\n');
    expect([code, err]).toEqual([99, expect.stringMatching(/^dot-forward: info: qp \d+\n$/)]);
    expect(got('one')).toBe(`From s\nReturn-Path: <s@s>\nDelivered-To: d@d\n${MESSAGE}`);
    expect(got('queued')).toBe(`Delivered-To: d@d\n${MESSAGE}`);
    expect(got('envelope')).toBe('Fnew@s~Tbob@x.test~Tann@host.test~~');
  });

  test.each(['joe', '\\joe', 'JOE@Host.test', 'Joe <joe>', 'joe, "|true"'])(
    'with the user among the recipients, as %s, the further lines of .qmail count',
    async (text) => {
      expect(await dot(text)).toEqual({ code: 0, err: '' });
      expect(got('queued')).toBeUndefined();
    },
  );

  test('the user and others: they get their copies, and it ends with 0', async () => {
    expect((await dot('\\joe, x@y.test')).code).toBe(0);
    expect(got('envelope')).toBe('Fnew@s~Tx@y.test~~');
  });

  test('a file that is missing or says nothing is passed over; without one it is 0', async () => {
    put('second', 'x@y.test\n');
    put('empty', '# nothing\n\n');
    expect((await call('dot-forward', ['none', 'empty', 'second', 'third'], USER)).code).toBe(99);
    expect(await call('dot-forward', ['none', 'empty'], USER)).toEqual({ code: 0, err: '' });
    expect(await call('dot-forward', [], USER)).toEqual({ code: 0, err: '' });
  });

  test('-n tells and does nothing', async () => {
    expect(await dot('joe, x@y.test, "|touch ran"', {}, '-n')).toEqual({
      code: 0,
      err: 'forward x@y.test\npipe through touch ran\ndirect delivery\n',
    });
    expect(await dot('# none\n', {}, '-Nn')).toEqual({
      code: 0,
      err: 'skipping empty file .forward\ndirect delivery\n',
    });
    expect(got('ran')).toBeUndefined();
  });

  test.each([
    ['/var/mail/joe', 'file delivery /var/mail/joe not supported'],
    ['x@y.test\n:include:/x', ':include: of /x not supported'],
    ['"|touch ran"\n"open', 'unable to parse this line: "open'],
    ['a\0b', 'unable to parse this line: a\0b'],
  ])('%j is 111, before anything is done', async (text, message) => {
    expect(await dot(text)).toEqual({ code: 111, err: `dot-forward: fatal: ${message}\n` });
    expect([got('ran'), got('queued')]).toEqual([undefined, undefined]);
  });

  test('a file that others may write, is no file, or is too large is 111', async () => {
    put('.forward', 'x@y.test', 0o646);
    const again = () => call('dot-forward', ['.forward'], USER);
    expect((await again()).err).toBe('dot-forward: fatal: .forward is world-writable\n');
    put('.forward', `#${'x'.repeat(1024 * 1024)}\n`);
    expect((await again()).err).toBe('dot-forward: fatal: .forward is too large\n');
    rmSync(join(home, '.forward'));
    symlinkSync('/dev/zero', join(home, '.forward'));
    expect((await again()).err).toBe(
      'dot-forward: fatal: unable to read .forward: not a regular file\n',
    );
    rmSync(join(home, '.forward'));
    symlinkSync('.forward', join(home, '.forward'));
    expect((await again()).code).toBe(111);
  });

  test.each([
    ['"|exit 100", x@y.test', {}, 100],
    ['"|exit 1", x@y.test', {}, 111],
    ['"|exit 99", x@y.test', {}, 111],
    ['x@y.test', { EXIT: '31' }, 100],
    ['x@y.test', { EXIT: '53' }, 111],
  ])('%s with %j is %i', async (text, env, code) => {
    expect((await dot(text, env)).code).toBe(code);
  });

  test('an unknown option is 100', async () => {
    expect(await dot('x', {}, '-z')).toEqual({
      code: 100,
      err: 'dot-forward: illegal option -- z\ndot-forward: usage: dot-forward [ -nN ] file ...\n',
    });
  });
});
