// The programs that .qmail files call, as built: what each option, exit code and variable does.

import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  DELIVERED_TO,
  DeliveryProgram,
  FROM_LINE,
  MESSAGE,
  RECIPIENT,
  RETURN_PATH,
  SENDER,
} from './lib/delivery-program.ts';

let delivery: DeliveryProgram;

beforeEach(() => {
  delivery = new DeliveryProgram('filters-');
});
afterEach(() => delivery.remove());

const QP = (name: string) => expect.stringMatching(new RegExp(`^${name}: qp [0-9]+\n$`));

describe('forward', () => {
  test('queues Delivered-To and the message, from NEWSENDER to every address', async () => {
    const env = { NEWSENDER: 'list-owner-@host.test-@[]' };
    expect(await delivery.run('forward', ['b@x.test', 'c'], { env })).toEqual({
      code: 0,
      out: '',
      err: QP('forward'),
    });
    expect(delivery.queued()).toEqual({
      message: DELIVERED_TO + MESSAGE,
      sender: 'list-owner-@host.test-@[]',
      recipients: ['b@x.test', 'c'],
    });
  });

  test('passes 8-bit bytes, NULs and an unfinished last line, of any length', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const message = Buffer.concat(Array.from({ length: 8000 }, () => bytes));
    expect((await delivery.run('forward', ['b\u00e9@x.test'], { message })).code).toBe(0);
    const queued = delivery.queued();
    expect(queued?.message === DELIVERED_TO + message.toString('latin1')).toBe(true);
    expect(queued?.recipients).toEqual(['b\u00c3\u00a9@x.test']);
  });

  test.each([
    ['NEWSENDER', 'forward: fatal: NEWSENDER not set\n'],
    ['DTLINE', 'forward: fatal: DTLINE not set\n'],
  ])('needs %s', async (name, err) => {
    const said = await delivery.run('forward', ['b@x.test'], { env: { [name]: undefined } });
    expect(said).toEqual({ code: 100, out: '', err });
    expect(delivery.queued()).toBeUndefined();
  });

  test('without an address is a wrong call, not a message that is gone', async () => {
    expect(await delivery.run('forward')).toEqual({
      code: 100,
      out: '',
      err: 'forward: usage: forward address ...\n',
    });
    expect(delivery.queued()).toBeUndefined();
  });

  test.each([
    ['31', '', 100, 'mail server permanently rejected message (#5.3.0)'],
    ['53', '', 111, 'qq write error or disk full (#4.3.0)'],
    ['82', 'Dno viruses, please', 100, 'no viruses, please'],
    ['82', 'Zscanner is down', 111, 'scanner is down'],
  ])('says what the queue said: exit %s %s', async (QQ, QQTEXT, code, text) => {
    const said = await delivery.run('forward', ['b@x.test'], { env: { QQ, QQTEXT } });
    expect(said).toEqual({ code, out: '', err: `forward: fatal: ${text}\n` });
  });

  test('QMAILQUEUE chooses the queue', async () => {
    const QMAILQUEUE = delivery.file('filter', '#!/bin/sh\nexit 31\n', 0o755);
    expect((await delivery.run('forward', ['b@x.test'], { env: { QMAILQUEUE } })).code).toBe(100);
  });
});

describe('condredirect', () => {
  test('forwards from SENDER and ends the .qmail file if the program exits 0', async () => {
    const words = ['new@x.test', 'sh', '-c', 'cat >seen'];
    expect(await delivery.run('condredirect', words)).toEqual({
      code: 99,
      out: '',
      err: QP('condredirect'),
    });
    // The program has read the message to its end: it is read from its start again.
    expect(delivery.queued()).toEqual({
      message: DELIVERED_TO + MESSAGE,
      sender: SENDER,
      recipients: ['new@x.test'],
    });
  });

  test.each([
    ['exits with anything else', 'exit 3', 0, ''],
    ['says no in the way of except', 'exit 100', 0, ''],
    ['exits 111', 'exit 111', 111, 'condredirect: fatal: temporary child error\n'],
    ['crashes', 'kill -9 $$', 111, 'condredirect: fatal: child crashed\n'],
  ])('queues nothing if it %s', async (_, script, code, err) => {
    const said = await delivery.run('condredirect', ['new@x.test', 'sh', '-c', script]);
    expect(said).toEqual({ code, out: '', err });
    expect(delivery.queued()).toBeUndefined();
  });

  test('a program that does not exist says no', async () => {
    expect((await delivery.run('condredirect', ['new@x.test', './nosuch'])).code).toBe(0);
  });

  test.each(['SENDER', 'DTLINE'])('needs %s', async (name) => {
    const env = { [name]: undefined };
    expect(await delivery.run('condredirect', ['new@x.test', 'true'], { env })).toEqual({
      code: 100,
      out: '',
      err: `condredirect: fatal: ${name} not set\n`,
    });
  });

  test('needs a program', async () => {
    expect(await delivery.run('condredirect', ['new@x.test'])).toMatchObject({
      code: 100,
      err: 'condredirect: usage: condredirect newaddress program [ arg ... ]\n',
    });
  });

  test('a message that is no file cannot be read again, and is tried later', () => {
    const words = ['-c', 'cat input | condredirect new@x.test cat >/dev/null'];
    delivery.file('input', MESSAGE);
    const ran = spawnSync('sh', words, { cwd: delivery.home, env: delivery.env });
    expect(ran.status).toBe(111);
    expect(ran.stderr.toString()).toMatch(/^condredirect: fatal: unable to read message: /);
    expect(delivery.queued()).toBeUndefined();
  });
});

describe('bouncesaying', () => {
  const run = (...words: string[]) => delivery.run('bouncesaying', words);

  test('says its text and bounces', async () => {
    expect(await run('This address no longer accepts m\u00e4il.')).toEqual({
      code: 100,
      out: '',
      err: Buffer.from('This address no longer accepts m\u00e4il.\n').toString('latin1'),
    });
    expect((await run('-x is a text too')).err).toBe('-x is a text too\n');
  });

  test.each([
    ['exits 0', 'exit 0', 100, 'no!\n'],
    ['exits with anything else', 'exit 1', 0, ''],
    ['exits 111', 'exit 111', 111, 'bouncesaying: fatal: temporary child error\n'],
    ['crashes', 'kill -9 $$', 111, 'bouncesaying: fatal: child crashed\n'],
  ])('lets a program decide, which %s', async (_, script, code, err) => {
    expect(await run('no!', 'sh', '-c', script)).toEqual({ code, out: '', err });
  });

  test('the program has the message, and its arguments may look like options', async () => {
    expect((await run('no!', 'grep', '-q', 'First')).code).toBe(100);
    expect((await run('no!', 'grep', '-q', 'Third')).code).toBe(0);
  });

  test('needs a text', async () => {
    expect(await run()).toMatchObject({
      code: 100,
      err: 'bouncesaying: usage: bouncesaying error [ program [ arg ... ] ]\n',
    });
  });
});

describe('except', () => {
  test.each([
    ['true', 100, ''],
    ['false', 0, ''],
    ['exit 99', 0, ''],
    ['exit 111', 111, 'except: fatal: temporary child error\n'],
    ['kill -9 $$', 111, 'except: fatal: child crashed\n'],
  ])('turns "%s" into %i', async (script, code, err) => {
    expect(await delivery.run('except', ['sh', '-c', script])).toEqual({ code, out: '', err });
  });

  test('a program that does not exist says no; none at all is a wrong call', async () => {
    expect((await delivery.run('except', ['./nosuch'])).code).toBe(0);
    expect((await delivery.run('except')).code).toBe(100);
  });
});

describe('preline', () => {
  test.each([
    [[], FROM_LINE + RETURN_PATH + DELIVERED_TO],
    [['-f'], RETURN_PATH + DELIVERED_TO],
    [['-r', '-d'], FROM_LINE],
    [['-frd'], ''],
    [['-frdFD'], FROM_LINE + DELIVERED_TO],
    [['-fR', '--'], RETURN_PATH + DELIVERED_TO],
  ])('%j puts its lines before the message', async (options, head) => {
    expect(await delivery.run('preline', [...options, 'cat'])).toEqual({
      code: 0,
      out: head + MESSAGE,
      err: '',
    });
  });

  test('the command keeps its options, may open /dev/stdin, and may stop reading', async () => {
    const message = `X: y\n\n${'0123456789abcde\n'.repeat(100_000)}`;
    const run = (...words: string[]) => delivery.run('preline', words, { message });
    expect((await run('cat', '-u', '/dev/stdin')).out.endsWith(message)).toBe(true);
    expect(await run('head', '-n1')).toEqual({ code: 0, out: FROM_LINE, err: '' });
  });

  test('exits as the command does', async () => {
    const run = (...words: string[]) => delivery.run('preline', words);
    expect(await run('sh', '-c', 'exit 77')).toEqual({ code: 77, out: '', err: '' });
    expect(await run('sh', '-c', 'kill -9 $$')).toEqual({
      code: 111,
      out: '',
      err: 'preline: fatal: child crashed\n',
    });
    expect(await run('./nosuch')).toEqual({
      code: 100,
      out: '',
      err: 'preline: fatal: unable to run ./nosuch: no such file or directory\n',
    });
    for (const words of [[], ['-x', 'cat'], ['-f']]) expect((await run(...words)).code).toBe(100);
  });

  test('a message that cannot be read to its end is never taken for a whole one', () => {
    const words = ['-c', 'preline sh -c "cat; echo whole" <.'];
    const ran = spawnSync('sh', words, { cwd: delivery.home, env: delivery.env });
    expect(ran.status).toBe(111);
    expect(ran.stderr.toString()).toMatch(/^preline: fatal: unable to copy input: /);
    expect(ran.stdout.toString()).not.toContain('whole');
  });

  test.each(['UFLINE', 'RPLINE', 'DTLINE'])('needs %s', async (name) => {
    const said = await delivery.run('preline', ['cat'], { env: { [name]: undefined } });
    expect(said).toEqual({ code: 100, out: '', err: `preline: fatal: ${name} not set\n` });
  });
});

test.each([
  'forward new@x.test',
  'condredirect new@x.test true',
  'preline sh -c "cat; echo whole"',
  'iftocc',
  'qreceipt joe@x.test',
])('%s: without a standard input there is no message, not an empty one', (command) => {
  const words = ['-c', `${command} <&-`];
  const ran = spawnSync('sh', words, { cwd: delivery.home, env: delivery.env });
  expect(ran.status).toBe(111);
  expect(ran.stderr.toString()).toMatch(/: bad file descriptor\n$/);
  expect(ran.stdout.toString()).not.toContain('whole');
  expect(delivery.queued()).toBeUndefined();
});

describe('iftocc, iftoccfrom and ifaddr', () => {
  const message =
    'To: "Joe (not a comment)" <JOE@host.test>,\n "a b"@c.test\nCc: friends: kim@d.test, (x) lee@d.test;\n' +
    'From: ann@elsewhere.test\nTo: broken <<\nX-To: other@e.test\n\nTo: body@f.test\n';
  test.each([
    ['iftocc', [], 0],
    ['iftocc', ['joe@HOST.test'], 0],
    ['iftocc', ['nobody@x.test', 'kim@d.test'], 0],
    ['iftocc', ['lee@d.test'], 0],
    ['iftocc', ['a b@c.test'], 0],
    ['iftocc', ['ann@elsewhere.test'], 100],
    ['iftocc', ['body@f.test', 'other@e.test', 'host.test', '@host.test'], 100],
    ['iftoccfrom', ['ann@elsewhere.test'], 0],
    ['iftoccfrom', ['other@e.test'], 100],
    ['ifaddr', [], 0],
    ['ifaddr', ['@d.test'], 0],
    ['ifaddr', ['@elsewhere.test'], 100],
    ['ifaddr', ['From', 'cc', ':', '@elsewhere.test'], 0],
    ['ifaddr', ['from', ':'], 100],
    ['ifaddr', ['x-to', ':', 'OTHER@e.test'], 0],
    ['ifaddr', [':', 'kim@d.test'], 0],
  ])('%s %j exits %i', async (name, args, code) => {
    expect(await delivery.run(name, args, { message })).toEqual({ code, out: '', err: '' });
  });

  test('RECIPIENT is needed only where it is used', async () => {
    const env = { RECIPIENT: undefined };
    expect(await delivery.run('iftocc', [], { message, env })).toEqual({
      code: 100,
      out: '',
      err: 'iftocc: fatal: RECIPIENT not set\n',
    });
    expect((await delivery.run('iftocc', [RECIPIENT], { message, env })).code).toBe(0);
  });

  test('a header without end is not read for ever', async () => {
    const message = Buffer.alloc(20_000_000, 'X: y\n');
    expect(await delivery.run('iftocc', [], { message })).toMatchObject({ code: 111 });
  });
});

describe('qreceipt', () => {
  const asks = (field: string) =>
    `Message-ID: <1@x.test>\nNotice-Requested-Upon-Delivery-To: ${field}\nSubject: x\n\nbody\n`;
  const run = (field: string, env: NodeJS.ProcessEnv = {}) =>
    delivery.run('qreceipt', [RECIPIENT], { message: asks(field), env });

  test('answers a request for just this address, from nobody to the sender', async () => {
    expect(await run(`x@y.test, Joe <${RECIPIENT}>`, { SENDER: 'a b@c.test' })).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    expect(delivery.queued()).toEqual({
      sender: '',
      recipients: ['a b@c.test'],
      message:
        'From: DELIVERY NOTICE SYSTEM <"a b"@c.test>\nTo: <"a b"@c.test>\nSubject: success notice\n\n' +
        'Hi! This is the qreceipt program. Your message was delivered to the\n' +
        `following address: ${RECIPIENT}. Thanks for asking.\nYour Message-ID: <1@x.test>\n`,
    });
  });

  test.each([
    ['another address', 'JOE@host.test', {}],
    ['something that is no address list', `${RECIPIENT} <<`, {}],
    ['a bounce', RECIPIENT, { SENDER: '' }],
    ['a double bounce', RECIPIENT, { SENDER: '#@[]' }],
  ])('is silent for %s', async (_, field, env) => {
    expect(await run(field, env)).toEqual({ code: 0, out: '', err: '' });
    expect(delivery.queued()).toBeUndefined();
  });

  test('says when the queue refuses, and is useless without SENDER or an address', async () => {
    expect(await run(RECIPIENT, { QQ: '31' })).toMatchObject({
      code: 100,
      err: 'qreceipt: fatal: permanent qmail-queue error\n',
    });
    expect(await run(RECIPIENT, { QQ: '53' })).toMatchObject({
      code: 111,
      err: 'qreceipt: fatal: temporary qmail-queue error\n',
    });
    const usage = { code: 100, out: '', err: 'qreceipt: usage: qreceipt deliveryaddress\n' };
    expect(await run(RECIPIENT, { SENDER: undefined })).toEqual(usage);
    expect(await delivery.run('qreceipt')).toEqual(usage);
  });
});
