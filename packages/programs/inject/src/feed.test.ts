// mailsubj(1), predate(1) and datemail(1), as programs.

import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { localDateField } from './predate.ts';
import { Programs } from './testing/programs.ts';

const programs = new Programs();
beforeAll(() => programs.make());
beforeEach(() => programs.reset());
afterAll(() => programs.remove());

const OK = { code: 0, out: '', err: '' };
const DATE = /^Date: \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\n/;

test('mailsubj sends its input with a subject to each recipient', async () => {
  const args = ['caf\u00e9 & so on', 'ann', 'ben@x.y', '(Cid)cid@z.z'];
  expect(await programs.run('mailsubj', args, { input: 'hello\n\xff' })).toEqual(OK);
  const { message, envelope } = programs.queued() ?? { message: '', envelope: '' };
  expect(envelope).toBe('Fanonymous@host.test\0Tcid@z.z\0Tben@x.y\0Tann@host.test\0\0');
  expect(message).toContain(
    'Subject: caf\xc3\xa9 & so on\nTo: ann@host.test, ben@x.y, cid@z.z (Cid)\n',
  );
  expect(message.endsWith('\n\nhello\n\xff\n')).toBe(true);
});

test('a line end in the subject does not end the field', async () => {
  const args = ['one\nBcc: eve@x.y\n\nbody', 'ann'];
  expect(await programs.run('mailsubj', args)).toEqual(OK);
  const { message, envelope } = programs.queued() ?? { message: '', envelope: '' };
  expect(message).toContain('Subject: one\n Bcc: eve@x.y\n \n body\nTo: ann@host.test\n');
  expect(envelope).toBe('Fanonymous@host.test\0Tann@host.test\0\0');
});

test('mailsubj exits as qmail-inject does', async () => {
  const bad = await programs.run('mailsubj', ['x', 'a (b']);
  expect(bad).toEqual({
    code: 100,
    out: '',
    err: 'qmail-inject: fatal: unable to parse this line:\nTo: a (b\n',
  });
  programs.queue('cat >/dev/null; exit 53');
  expect((await programs.run('mailsubj', ['x', 'a'])).code).toBe(111);
  expect(await programs.run('mailsubj', ['x'])).toMatchObject({
    code: 100,
    err: 'mailsubj: usage: mailsubj subject recipient ...\n',
  });
});

test('predate puts the date before its input and runs the program with its arguments', async () => {
  const ran = await programs.run('predate', ['sh', '-c', 'cat; echo "$1"; exit 7', 'sh', '-x'], {
    input: 'To: a\n\n\xff',
  });
  expect(ran).toMatchObject({ code: 7, err: '' });
  expect(ran.out).toMatch(DATE);
  expect(ran.out.replace(DATE, '')).toBe('To: a\n\n\xff-x\n');
});

test.each([
  ['UTC', '+0000'],
  ['Asia/Kolkata', '+0530'],
  ['America/St_Johns', '-0330'],
])('the date is in the time zone %s', async (TZ, zone) => {
  const { out } = await programs.run('predate', ['cat'], { env: { TZ } });
  expect(out.slice(-6)).toBe(`${zone}\n`);
  const shown = Date.parse(out.slice('Date: '.length));
  expect(Math.abs(shown - Date.now())).toBeLessThan(120_000);
});

test('the day has no leading zero, all else two digits', () => {
  expect(localDateField(new Date(2026, 0, 2, 3, 4, 5))).toMatch(
    /^Date: 2 Jan 2026 03:04:05 [+-]\d{4}\n$/,
  );
});

test('predate says what is wrong', async () => {
  expect(await programs.run('predate', [])).toEqual({
    code: 100,
    out: '',
    err: 'predate: usage: predate child\n',
  });
  expect(await programs.run('predate', ['/nonexistent'])).toEqual({
    code: 111,
    out: '',
    err: 'predate: fatal: unable to run /nonexistent: no such file or directory\n',
  });
  expect(await programs.run('predate', ['sh', '-c', 'kill -9 $$'])).toMatchObject({
    code: 111,
    err: 'predate: fatal: child crashed\n',
  });
  expect(await programs.run('predate', ['cat'], { redirect: '<.' })).toMatchObject({ code: 111 });
});

test('a program that does not read is no trouble', async () => {
  const input = Buffer.alloc(5_000_000, 'x');
  expect(await programs.run('predate', ['sh', '-c', 'exit 3'], { input })).toMatchObject({
    code: 3,
    err: '',
  });
});

test('ended by a signal, predate ends the program too, which must not take the half for the whole', async () => {
  const child = programs.start('predate', ['sh', '-c', `cat >message && echo all >envelope`]);
  (child.stdin as Writable).write('half');
  while (!programs.has('message')) await sleep(10);
  child.kill('SIGTERM');
  const [, signal] = await once(child, 'close'); // when the program has closed its descriptors too
  expect(signal).toBe('SIGTERM');
  expect(programs.queued()).toBeUndefined();
});

test('datemail is predate with the sendmail beside it', async () => {
  programs.script('bin/sendmail', 'echo "$@"; cat; exit 5');
  const ran = await programs.run('datemail', ['-t', '-fa@b'], { input: 'To: c\n\n' });
  expect(ran.code).toBe(5);
  expect(ran.out).toMatch(/^-t -fa@b\nDate: .*\nTo: c\n\n$/);
});
