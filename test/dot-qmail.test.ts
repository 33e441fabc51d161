// The programs of .qmail files where they belong: in the .qmail files of a running instance, which gets its
// mail by SMTP.

import {
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  DIST,
  logOf,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
} from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { installed, run } from './lib/run.ts';

const HOST = 'mail.example.test';
const SINK = `sink@${HOST}`;

describe.runIf(installed('curl'))('in .qmail files of a running instance (needs curl)', () => {
  let top: string;
  let dir: string;
  let instance: RunningInstance;

  beforeAll(async () => {
    top = openDirectory('dot-qmail-');
    dir = join(top, 'var');
    instance = await startInstance(dir);
    for (const box of ['sink', 'kept']) {
      const made = await run(join(DIST, 'maildirmake'), [alias(box)]);
      expect(made).toMatchObject({ code: 0 });
    }
    dotQmail('sink', './sink/');
    own(dir);
  });
  afterAll(async () => {
    await removeInstance(dir, [instance?.supervisor]);
    await removeInstance(top, []);
  });

  const alias = (path: string) => join(dir, 'alias', path);

  function dotQmail(box: string, ...lines: string[]): void {
    writeFileSync(alias(`.qmail-${box}`), lines.map((line) => `${line}\n`).join(''));
  }

  /** Everything in alias belongs to the instance's user, as if that had made it. */
  function own(of: string): void {
    const { uid, gid } = statSync(join(of, 'queue'));
    const give = (path: string) => {
      chownSync(path, uid, gid);
      if (lstatSync(path).isDirectory())
        for (const name of readdirSync(path)) give(join(path, name));
    };
    give(join(of, 'alias'));
  }

  /** Sends a message to a box here; its subject finds it again. */
  async function send(box: string, subject: string, fields = '', sender = SINK): Promise<void> {
    const file = join(top, 'message');
    writeFileSync(
      file,
      `To: ${box}@${HOST}\r\nSubject: ${subject}\r\n${fields}\r\nFrom the body\r\n`,
    );
    const words = ['--mail-from', sender, '--mail-rcpt', `${box}@${HOST}`, '-T', file];
    const sent = await run('curl', ['-sS', `smtp://127.0.0.1:${instance.smtpPort}`, ...words]);
    expect(sent).toMatchObject({ code: 0, err: '' });
  }

  /** Waits for a message with this text in a maildir of alias. */
  function arrives(text: string, box = 'sink'): Promise<string> {
    return until(`a message with "${text}" in ${box}`, () =>
      messagesIn(box).find((found) => found.includes(text)),
    ).catch((error) => {
      throw new Error(`${error.message}\n${logOf(dir)}`);
    });
  }

  function messagesIn(box: string): string[] {
    return readdirSync(alias(`${box}/new`)).map((name) =>
      readFileSync(alias(`${box}/new/${name}`), 'latin1'),
    );
  }

  test('forward', async () => {
    dotQmail('fwd', `|forward ${SINK}`);
    await send('fwd', 'to be forwarded', '', 'ann@elsewhere.test');
    const copy = await arrives('to be forwarded');
    expect(copy).toMatch(
      /^Return-Path: <ann@elsewhere\.test>\nDelivered-To: sink@mail\.example\.test\nReceived: .*\n(?:.*\n)*?Delivered-To: fwd@mail\.example\.test\n/,
    );
  });

  test('condredirect asks except, which asks iftocc, and ends the file if it redirects', async () => {
    dotQmail('cond', `|condredirect ${SINK} except iftocc cond@${HOST}`, './kept/');
    await send('cond', 'openly');
    expect(await arrives('openly', 'kept')).toContain('Delivered-To: cond@');
    writeFileSync(join(top, 'blind'), 'To: x@y.test\r\nSubject: blindly\r\n\r\n');
    const words = ['--mail-from', SINK, '--mail-rcpt', `cond@${HOST}`, '-T', join(top, 'blind')];
    await run('curl', ['-sS', `smtp://127.0.0.1:${instance.smtpPort}`, ...words]);
    expect(await arrives('blindly')).toContain('Delivered-To: cond@');
    expect(messagesIn('kept').join('')).not.toContain('blindly');
  });

  test('bouncesaying, with ifaddr and iftoccfrom', async () => {
    dotQmail(
      'say',
      '|bouncesaying "nobody lives here" ifaddr subject to : @mail.example.test',
      './kept/',
    );
    await send('say', 'to be bounced');
    const bounce = await arrives('nobody lives here');
    expect(bounce).toContain('<say@mail.example.test>:\nnobody lives here\n');
    dotQmail('friends', '|bouncesaying "friends only" except iftoccfrom ann@x.test', './kept/');
    await send('friends', 'from a friend', 'From: Ann <ANN@x.test>\r\n');
    await arrives('from a friend', 'kept');
    await send('friends', 'from a stranger', 'From: ben@x.test\r\n');
    expect(await arrives('friends only')).toContain('Subject: from a stranger');
  });

  test('preline, for a command that takes an mbox', async () => {
    dotQmail('pre', '|preline cat >>prelined', './kept/');
    await send('pre', 'with its lines');
    await arrives('with its lines', 'kept');
    expect(readFileSync(alias('prelined'), 'latin1')).toMatch(
      /^From sink@mail\.example\.test .{24}\nReturn-Path: <sink@mail\.example\.test>\nDelivered-To: pre@mail\.example\.test\nReceived: [\s\S]*\nFrom the body\n$/,
    );
  });

  test('qreceipt and qbiff, before the mailbox', async () => {
    dotQmail('ask', '|qbiff', `|qreceipt ask@${HOST}`, './kept/');
    await send('ask', 'asks', `Notice-Requested-Upon-Delivery-To: ask@${HOST}\r\n`);
    await arrives('Subject: asks', 'kept');
    expect(await arrives('success notice')).toMatch(
      /^Return-Path: <>\n[\s\S]*ask@mail\.example\.test\. Thanks/,
    );
  });

  test('replier answers one message of two, and not a bounce', async () => {
    writeFileSync(alias('away.txt'), 'Subject: I am away\n\nBack on Monday.\n');
    dotQmail('away', '|replier away.txt', './kept/');
    await send('away', 'first question', 'Message-ID: <q1@x.test>\r\n');
    const reply = await arrives('Back on Monday');
    expect(reply).toMatch(
      /^Return-Path: <>\n[\s\S]*\nIn-Reply-To: <q1@x\.test>\n[\s\S]*\nAuto-Submitted: auto-replied\n/,
    );
    await send('away', 'second question', 'Message-ID: <q2@x.test>\r\n');
    await arrives('second question', 'kept');
    await send('away', 'a bounce', '', '');
    await arrives('a bounce', 'kept');
    expect(messagesIn('sink').filter((text) => text.includes('Back on Monday'))).toHaveLength(1);
    await until('the log says why', () =>
      logOf(dir).includes('replier:_no_reply:_the_sender_has_had_a_reply'),
    );
  });

  test('what the maildir tools make of the mail that arrived', async () => {
    dotQmail('box', './kept/');
    await send('box', 'for the tools');
    const text = await arrives('for the tools', 'kept');
    mkdirSync(alias('mail'));
    const env = { MAILDIR: alias('kept'), MAIL: alias('mail/mbox'), MAILTMP: alias('mail/tmp') };
    const tool = (name: string, ...args: string[]) =>
      run(join(DIST, name), args, { env: { ...process.env, ...env } });
    const shown = await tool('maildirwatch', '--once');
    expect(shown.out.toString()).toContain(`FROM <${SINK}> TO <box@${HOST}>\n`);
    // Messages of this second stay where they are.
    await until('every message is in the mbox', async () => {
      expect(await tool('maildir2mbox')).toMatchObject({ code: 0, err: '' });
      return messagesIn('kept').length === 0;
    });
    expect(await tool('mbox2maildir', alias('mail/mbox'), alias('kept'))).toMatchObject({
      code: 0,
    });
    expect(messagesIn('kept')).toContain(text);
  });
});
