import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
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
const MESSAGE = 'To: h1, h2@x.y\nBcc: h3\n\nbody\n';
const H = ['h2@x.y', 'h1@host.test', 'h3@host.test'];

/** An envelope from the default sender. */
const envelope = (recipients: readonly string[], sender = 'anonymous@host.test') =>
  `F${sender}\0${recipients.map((address) => `T${address}\0`).join('')}\0`;

describe('options', () => {
  test.each([
    [[], H],
    [['a'], ['a@host.test']],
    [
      ['-A', 'a@b', 'c d@e.f'],
      ['a@b.host.test', 'c d@e.f'],
    ],
    [['-a'], []],
    [['-a', 'a'], ['a@host.test']],
    [['-h', 'a'], H],
    [
      ['-H', 'a'],
      ['a@host.test', ...H],
    ],
    [['-H'], H],
    [['-hA', 'a'], ['a@host.test']],
    [['-a', '-h', '--', '-n'], H],
    [['--', '-n'], ['-n@host.test']],
    [['-nN', 'a'], ['a@host.test']],
    [
      ['a', '-n'],
      ['a@host.test', '-n@host.test'],
    ],
    [['-'], ['-@host.test']],
    [
      ['a+@x+', '"q"', 'caf\u00e9@x.y', '@x.y', ''],
      ['a+@x.host.test', '"q"@host.test', 'caf\xc3\xa9@x.y', '@x.y', ''],
    ],
  ])('%j', async (args, recipients) => {
    expect(await inject(args, { input: MESSAGE })).toEqual(OK);
    expect(programs.queued()?.envelope).toBe(envelope(recipients));
  });

  test.each([
    [['-fs@t', 'a'], 's@t.host.test'],
    [['-f', 's', 'a'], 's@host.test'],
    [['-f', '', 'a'], ''],
    [['-af', 's p@t.u', 'a'], 's p@t.u'],
    [['-f<>', 'a'], '<>@host.test'],
    [['-flist-@x.y-@[]', 'a'], 'list-@x.y-@[]'],
    [['-f#@[]', 'a'], '#@[]'],
  ])('%j: from %j, whatever the message and the environment say', async (args, sender) => {
    const env = { QMAILSUSER: 'no', QMAILINJECT: 'r' };
    expect(await inject(args, { input: 'Return-Path: <no@no.no>\n\n', env })).toEqual(OK);
    expect(programs.queued()?.envelope).toBe(envelope(['a@host.test'], sender));
  });

  test('-n prints what would be queued, with the sender on top', async () => {
    const { code, out, err } = await inject(['-n', '-f', 'a b@c.d'], {
      input: 'To: x, y\n\n.\n\xff\0',
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^Return-Path: <"a b"@c\.d>\nDate: \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d -0000\nMessage-ID: <\d{14}\.\d+\.qmail@host\.test>\nFrom: anonymous@host\.test\nTo: x@host\.test, y@host\.test\n\n\.\n\xff\0\n$/,
    );
    expect(programs.queued()).toBeUndefined();
  });

  test('--help and --version say what they should', async () => {
    expect((await inject(['--help'])).out).toContain(
      'qmail-inject [-nNaAhH] [-fsender] [recipient ...]',
    );
    expect((await inject(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('environment', () => {
  test.each([
    [{}, 'From: anonymous@host.test', 'anonymous@host.test'],
    [{ LOGNAME: 'l' }, 'From: l@host.test', 'l@host.test'],
    [{ LOGNAME: 'l', USER: 'u' }, 'From: u@host.test', 'u@host.test'],
    [{ USER: 'u', MAILUSER: 'm' }, 'From: m@host.test', 'm@host.test'],
    [{ MAILUSER: 'm', QMAILUSER: 'q' }, 'From: q@host.test', 'q@host.test'],
    [{ MAILHOST: 'm.n' }, 'From: anonymous@m.n', 'anonymous@m.n'],
    [{ MAILHOST: 'm.n', QMAILHOST: 'q.r' }, 'From: anonymous@q.r', 'anonymous@q.r'],
    [{ NAME: 'N' }, 'From: "N" <anonymous@host.test>', 'anonymous@host.test'],
    [{ NAME: 'N', MAILNAME: 'M' }, 'From: "M" <anonymous@host.test>', 'anonymous@host.test'],
    [
      { MAILNAME: 'M', QMAILNAME: 'Q \u00e9' },
      'From: "Q \xc3\xa9" <anonymous@host.test>',
      'anonymous@host.test',
    ],
    [{ QMAILNAME: 'Q', QMAILINJECT: 'c' }, 'From: anonymous@host.test (Q)', 'anonymous@host.test'],
    [{ QMAILSUSER: 's' }, 'From: anonymous@host.test', 's@host.test'],
    [{ QMAILSHOST: 's.t' }, 'From: anonymous@host.test', 'anonymous@s.t'],
    [{ QMAILDEFAULTHOST: 'd' }, 'From: anonymous@d.host.test', 'anonymous@d.host.test'],
    [
      { QMAILDEFAULTHOST: 'd', QMAILDEFAULTDOMAIN: 'e.f' },
      'From: anonymous@d.e.f',
      'anonymous@d.e.f',
    ],
    [{ QMAILHOST: 'd+', QMAILPLUSDOMAIN: 'g.h' }, 'From: anonymous@d.g.h', 'anonymous@d.g.h'],
    [{ QMAILINJECT: 'r' }, 'From: anonymous@host.test', 'anonymous-@host.test-@[]'],
  ])('%j: %s', async (env, from, sender) => {
    expect(await inject(['a'], { env })).toEqual(OK);
    const queued = programs.queued();
    expect(queued?.message).toContain(`\n${from}\n`);
    expect(queued?.envelope).toBe(
      envelope(['a@host.test'.replace('host.test', defaultHost(env))], sender),
    );
  });

  function defaultHost(env: NodeJS.ProcessEnv): string {
    if (env.QMAILDEFAULTHOST === undefined) return 'host.test';
    return `${env.QMAILDEFAULTHOST}.${env.QMAILDEFAULTDOMAIN ?? 'host.test'}`;
  }

  test('QMAILINJECT=m: the time and the process are in the sender', async () => {
    expect(await inject(['a'], { env: { QMAILINJECT: 'm' } })).toEqual(OK);
    expect(programs.queued()?.envelope).toMatch(/^Fanonymous-\d{9,}\.\d+@host\.test\0/);
  });

  test('QMAILINJECT=sfi: Return-Path, From and Message-ID of the message do not count', async () => {
    const input = 'Return-Path: <a@b.c>\nFrom: (\nMessage-ID: <mine>\nTo: x\n\n';
    expect(await inject([], { input, env: { QMAILINJECT: 'sfi' } })).toEqual(OK);
    const { message, envelope: written } = programs.queued() ?? { message: '', envelope: '' };
    expect(message).toContain('\nFrom: anonymous@host.test\n');
    expect(message).not.toMatch(/mine|\(/);
    expect(written).toBe(envelope(['x@host.test']));
  });

  test('QMAILIDHOST names the host of the Message-ID, on one line whatever it holds', async () => {
    await inject(['a'], { env: { QMAILIDHOST: 'id.x\nBcc: y' } });
    expect(programs.queued()?.message).toMatch(/^Message-ID: <\d{14}\.\d+\.qmail@id\.xBcc:y>$/m);
  });

  test('QMAILMFTFILE names a file of mailing lists, a missing one is none', async () => {
    const file = programs.file('lists', 'other@x.y\nList@Lists.test\n');
    const input = 'To: list@lists.test\nCc: a\n\n';
    await inject([], { input, env: { QMAILMFTFILE: file } });
    expect(programs.queued()?.message).toContain(
      '\nMail-Followup-To: a@host.test,\n  list@lists.test\n',
    );
    expect(await inject([], { input, env: { QMAILMFTFILE: `${file}x` } })).toEqual(OK);
    expect(programs.queued()?.message).not.toContain('Followup');
    const unreadable = await inject([], { input, env: { QMAILMFTFILE: programs.home } });
    expect(unreadable).toEqual({ code: 111, out: '', err: 'qmail-inject: fatal: read error\n' });
  });
});

describe('control files', () => {
  test('each has its part', async () => {
    const files = {
      defaulthost: 'mail+',
      plusdomain: 'plus.test',
      defaultdomain: 'dom.test',
      idhost: 'id.test',
    };
    for (const [name, value] of Object.entries(files))
      programs.file(`control/${name}`, `${value} \nmore\n`);
    expect(await inject(['a', 'b@c'])).toEqual(OK);
    const queued = programs.queued();
    expect(queued?.envelope).toBe(
      envelope(['a@mail.plus.test', 'b@c.dom.test'], 'anonymous@mail.plus.test'),
    );
    expect(queued?.message).toMatch(/qmail@id\.test>/);
  });

  test('without any the names of the files stand in', async () => {
    programs.file('control/me', '');
    mkdirSync(join(programs.home, 'control2'), { recursive: true });
    const bare = programs.file('nothing', '');
    const env = {
      QMAILHOME: join(bare, '..', 'control2'),
      QMAILQUEUE: join(programs.home, 'bin/qmail-queue'),
    };
    const { out } = await inject(['-n', 'a'], { env });
    expect(out).toContain('From: anonymous@defaulthost.defaultdomain\n');
    expect(out).toContain('.qmail@idhost>');
  });

  test.each([
    ['a directory in the place of a file', 'defaultdomain', 'read error'],
    ['no QMAILHOME at all', undefined, 'internal bug'],
  ])('%s is a temporary error', async (_what, file, text) => {
    if (file !== undefined) mkdirSync(join(programs.home, 'control', file));
    const env = file === undefined ? { QMAILHOME: '/nonexistent' } : {};
    const failed = { code: 111, out: '', err: `qmail-inject: fatal: ${text}\n` };
    expect(await inject(['a'], { env })).toEqual(failed);
    expect(programs.queued()).toBeUndefined();
  });
});
