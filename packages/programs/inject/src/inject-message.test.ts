import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Programs } from './testing/programs.ts';

const programs = new Programs();
beforeAll(() => programs.make());
beforeEach(() => programs.reset());
afterAll(() => programs.remove());

const inject = (
  ...args: Parameters<Programs['run']> extends [string, ...infer Rest] ? Rest : never
) => programs.run('qmail-inject', ...args);
const OK = { code: 0, out: '', err: '' };

/** An envelope from the default sender. */
const envelope = (recipients: readonly string[], sender = 'anonymous@host.test') =>
  `F${sender}\0${recipients.map((address) => `T${address}\0`).join('')}\0`;

describe('errors', () => {
  test.each([
    [['-x'], '', 100, 'illegal option -- x'],
    [['-nf'], '', 100, 'option requires an argument -- f'],
    [['-f', 'a@(b', 'c'], '', 100, 'fatal: unable to parse this line:\na@(b'],
    [['a@b('], '', 100, 'fatal: unable to parse address: a@b('],
    [
      ['a'],
      'From: caf\xc3\xa9 (\n\n',
      100,
      'fatal: unable to parse this line:\nFrom: caf\xc3\xa9 (',
    ],
    [[], 'To: a, (b\n\n', 100, 'fatal: unable to parse this line:\nTo: a, (b'],
    [['-H', 'a'], 'Cc: a>\n\n', 100, 'fatal: unable to parse this line:\nCc: a>'],
    [[], 'To: a\nResent-To: "\n\n', 100, 'fatal: unable to parse this line:\nResent-To: "'],
    [[`${'a'.repeat(993)}@host.test`], '', 100, 'fatal: envelope address too long for qq (#5.1.3)'],
  ])('%j with %j: exit %i, %j', async (args, input, code, text) => {
    expect(await inject(args, { input })).toEqual({
      code,
      out: '',
      err: `qmail-inject: ${text}\n`,
    });
    expect(programs.queued()?.envelope ?? '').toBe('');
  });

  test('an address of 1002 bytes is taken, and recipients that cannot be read where they do not count', async () => {
    const longest = `${'a'.repeat(992)}@host.test`;
    expect(await inject([longest], { input: 'To: a, (b\n\n' })).toEqual(OK);
    expect(programs.queued()?.envelope).toBe(envelope([longest]));
    expect(programs.queued()?.message).toContain('\nTo: a, (b\n');
    expect((await inject(['-n'], { input: 'To: a, (b\n\n' })).out).toContain('\nTo: a, (b\n');
  });

  test.each([
    ['cat >/dev/null; exit 31', 100, 'mail server permanently rejected message (#5.3.0)'],
    ['cat >/dev/null; exit 53', 111, 'qq write error or disk full (#4.3.0)'],
    ['cat >/dev/null; echo "Dno spam (#5.7.1)" >&6; exit 82', 100, 'no spam (#5.7.1)'],
    ['cat >/dev/null; echo "Zcome back later" >&6; exit 82', 111, 'come back later'],
    ['kill -9 $$', 111, 'qq crashed (#4.3.0)'],
  ])('$QMAILQUEUE that does %j: exit %i, %j', async (script, code, text) => {
    const env = { QMAILQUEUE: programs.script('bin/filter', script) };
    expect(await inject(['a'], { env, input: 'x: y\n\n' })).toEqual({
      code,
      out: '',
      err: `qmail-inject: fatal: ${text}\n`,
    });
  });

  test('no qmail-queue, or one that ends before it has read all, is a temporary error', async () => {
    const absent = { QMAILQUEUE: '/nonexistent' };
    expect(await inject(['a'], { env: absent })).toMatchObject({
      code: 111,
      err: 'qmail-inject: fatal: unable to exec qq (#4.3.0)\n',
    });
    programs.queue('exit 0');
    expect(await inject(['a'], { input: `\n${'x'.repeat(10_000_000)}` })).toMatchObject({
      code: 111,
      err: 'qmail-inject: fatal: qq read error (#4.3.0)\n',
    });
  });

  test.each(['<&-', '<.'])(
    'standard input %s is a read error, and nothing is queued',
    async (redirect) => {
      const failed = { code: 111, out: '', err: 'qmail-inject: fatal: read error\n' };
      expect(await inject(['a'], { redirect })).toEqual(failed);
      expect(programs.queued()).toBeUndefined();
    },
  );

  test('a printed message that finds no room is an error', async () => {
    expect(await inject(['-n'], { redirect: '>/dev/full' })).toMatchObject({
      code: 111,
      err: 'qmail-inject: fatal: write error: no space left on device\n',
    });
  });

  test('killed in the middle of a message, it leaves the queue an envelope without end', async () => {
    const child = programs.start('qmail-inject', ['a']);
    const stdin = child.stdin as Writable;
    stdin.write(`Subject: x\n\n${'x'.repeat(200_000)}`);
    while (!programs.has('message')) await sleep(10);
    child.kill('SIGKILL');
    await once(child, 'close');
    while (programs.queued() === undefined) await sleep(10);
    expect(programs.queued()?.envelope).toBe('');
  });
});

describe('the message', () => {
  test.each([
    ['', ''],
    ['X: y', 'X: y\n'],
    ['X: y\n\n', 'X: y\n\n'],
    ['X: y\n\nno end', 'X: y\n\nno end\n'],
    ['X: y\n\n\0\xff\r\n.\n..\n', 'X: y\n\n\0\xff\r\n.\n..\n'],
    ['X: y\nno field\n', 'X: y\n\nno field\n'],
    ['no field', '\nno field\n'],
    ['X: y\r\n\r\nz\r\n', 'X: y\r\n\n\r\nz\r\n'],
    ['From joe\nX: y\n', 'MBOX-Line: From joe\nX: y\n'],
  ])('%j goes on as %j', async (input, end) => {
    expect(await inject(['a'], { input })).toEqual(OK);
    const { message } = programs.queued() ?? { message: '' };
    expect(message.slice(message.indexOf('not shown: ;\n') + 'not shown: ;\n'.length)).toBe(end);
  });

  test('a hundred thousand recipients are one message', async () => {
    const recipients = Array.from({ length: 100_000 }, (_, n) => `user${n}@example${n}.test`);
    expect(await inject([], { input: `To: ${recipients.join(', ')}\n\nhi\n` })).toEqual(OK);
    expect(programs.queued()?.envelope).toBe(envelope(recipients.reverse()));
  });

  test('a header of 10 MB goes through; a larger one than 16 MB is refused as qmail refuses for want of memory', async () => {
    expect(await inject(['a'], { input: `${'X: y\n z\n'.repeat(1_250_000)}\nhi\n` })).toEqual(OK);
    expect(programs.queued()?.message.endsWith('X: y\n z\n\nhi\n')).toBe(true);
    const refused = await inject(['b'], { input: 'X: y\n z\n'.repeat(2_100_000) });
    expect(refused).toEqual({ code: 111, out: '', err: 'qmail-inject: fatal: out of memory\n' });
  });

  test('a body of 200 MB needs no memory', async () => {
    programs.queue('wc -c >message; cat <&1 >envelope');
    const child = programs.start('qmail-inject', ['a']);
    const stdin = child.stdin as Writable;
    const block = Buffer.alloc(1_000_000, 'x\n');
    stdin.write('Subject: x\n\n');
    for (let n = 0; n < 200; n++) if (!stdin.write(block)) await once(stdin, 'drain');
    const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
    stdin.end();
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(150_000);
    expect(Number(programs.queued()?.message)).toBeGreaterThan(200_000_000);
  });
});
