// sendmail as its callers use it: an ordinary account sends through the queue socket of a running instance, by the
// programs that know no other way to send mail.

import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
} from './lib/instance.ts';
import { until } from './lib/processes.ts';
import { ownedDirectory } from './lib/real-host.ts';
import { installed, isRoot, type Ran, run, SYSTEM_PATH } from './lib/run.ts';

const ALICE = 'alice@example.test';
/** nobody: s-nail asks for the account's name. */
const UID = isRoot ? 65_534 : (process.getuid?.() as number);
const GID = isRoot ? 65_534 : (process.getgid?.() as number);

let top: string;
let dir: string;
let home: string;
let sendmail: string;
let instance: RunningInstance | undefined;

beforeAll(async () => {
  top = openDirectory('sendmail-');
  dir = join(top, 'var');
  home = join(top, 'caller');
  ownedDirectory(home, { uid: UID, gid: GID });
  instance = await startInstance(dir);
  sendmail = join(dir, 'bin/sendmail');
});
afterAll(async () => {
  await removeInstance(dir, [instance?.supervisor]);
  await removeInstance(top, []);
});

/** Runs a program as the caller. */
function call(
  file: string,
  args: readonly string[],
  input: string | Buffer = '',
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  return run(file, args, {
    input,
    cwd: home,
    env: { PATH: SYSTEM_PATH, HOME: home, USER: 'caller', QMAILHOME: dir, ...env },
    ...(isRoot ? { uid: UID, gid: GID } : {}),
  });
}

/** The message with this subject, when it has come. */
function arrived(subject: string, user = 'alice'): Promise<string> {
  const box = join(dir, 'domains/example.test/users', user, 'new');
  return until(`the message "${subject}" is in ${user}'s mailbox`, () =>
    readdirSync(box)
      .map((name) => readFileSync(join(box, name), 'latin1'))
      .find((text) => text.includes(`\nSubject: ${subject}\n`)),
  );
}

const TRACE = new RegExp(`^Received: \\(qmail \\d+ invoked by uid ${UID}\\); `, 'm');

describe('the options that callers use', () => {
  test('cron: a name, ignored options glued and apart, one recipient', async () => {
    const words = ['-FCronDaemon', '-i', '-B8BITMIME', '-oem', ALICE];
    const message = 'From: root (Cron Daemon)\nTo: root\nSubject: cron\n\n.\nafter the dot\n';
    expect(await call(sendmail, words, message)).toMatchObject({ code: 0, err: '' });
    const got = await arrived('cron');
    expect(got).toMatch(TRACE);
    expect(got.endsWith('\n\n.\nafter the dot\n')).toBe(true);
  });

  test('-F and -f make From and the envelope sender, whatever the account is called', async () => {
    const words = ['-F', 'The Cron', '-f', 'cron@site.test', ALICE];
    const names = { QMAILNAME: 'Other', QMAILHOST: 'other.test', NAME: 'Another' };
    expect(await call(sendmail, words, 'Subject: from\n\n', names)).toMatchObject({ code: 0 });
    const got = await arrived('from');
    expect(got).toMatch(/^Return-Path: <cron@site\.test>\n/);
    expect(got).toContain('\nFrom: "The Cron" <cron@site.test>\n');
  });

  test('-t takes the recipients from the header, and Bcc out of it', async () => {
    const message = `To: ${ALICE}\nBcc: bob@example.test\nSubject: by -t\n\nx\n`;
    expect(await call(sendmail, ['-t', '-i', '-oi'], message)).toMatchObject({ code: 0 });
    expect(await arrived('by -t')).not.toContain('Bcc');
    expect(await arrived('by -t', 'bob')).toContain(`\nTo: ${ALICE}\n`);
  });

  test.each([['-f', '<>'], ['-f', ''], ['-f<>'], ['-r', '<>']])(
    'the null sender as %s %s',
    async (...words) => {
      const subject = `null sender ${words.join(' ')}.`;
      expect(await call(sendmail, [...words, ALICE], `Subject: ${subject}\n\n`)).toMatchObject({
        code: 0,
      });
      const got = await arrived(subject);
      expect(got).toMatch(/^Return-Path: <>\n/);
      expect(got).toContain('\nFrom: caller@mail.example.test\n');
    },
  );

  test('options that mean nothing here, with their values; after -- all is recipients', async () => {
    const ignored = [
      '-v',
      '-m',
      '-x',
      '-n',
      '-oi',
      '-odb',
      '-o',
      'i',
      '-em',
      '-e',
      'm',
      '-p',
      'ESMTP',
    ];
    const more = [
      '-N',
      'failure,delay',
      '-Rhdrs',
      '-O',
      'DeliveryMode=b',
      '-bm',
      '-h',
      '3',
      '-G',
      '-U',
    ];
    expect(
      await call(
        sendmail,
        [...ignored, ...more, '-V', 'id', '-X/dev/null', '--', ALICE],
        'Subject: ignored\n\n',
      ),
    ).toMatchObject({ code: 0, err: '' });
    expect(await arrived('ignored')).toMatch(TRACE);
  });

  test.each([['-bd'], ['-bt'], ['-Z'], ['-f'], ['-C/etc/sendmail.cf'], ['-bv', ALICE]])(
    'what it cannot do is a usage line and 100: %s',
    async (...words) => {
      const { code, err } = await call(sendmail, words, 'Subject: never\n\n');
      expect(code).toBe(100);
      expect(err).toMatch(/^sendmail: usage: sendmail \[ -t \] /);
    },
  );

  test('-q has nothing to do: qmail-send runs the queue', async () => {
    expect(await call(sendmail, ['-q'])).toMatchObject({ code: 0, err: '' });
    expect(await call(sendmail, ['-q30m'])).toMatchObject({ code: 0, err: '' });
  });

  test("an address that cannot be read is qmail-inject's own 100", async () => {
    const { code, err } = await call(sendmail, ['a@(b'], 'Subject: x\n\n');
    expect(code).toBe(100);
    expect(err).toMatch(/^qmail-inject: fatal: /);
  });

  test('without a qmail home it is 111', async () => {
    expect(await call(sendmail, [ALICE], '', { QMAILHOME: join(top, 'none') })).toMatchObject({
      code: 111,
      err: 'sendmail: fatal: unable to switch to qmail home directory: no such file or directory\n',
    });
  });

  test('-bs speaks SMTP with a local client who may relay', async () => {
    const dialogue = `EHLO x\nMAIL FROM:<>\nRCPT TO:<x@elsewhere.test>\nRSET\nMAIL FROM:<>\nRCPT TO:<${ALICE}>\nDATA\nSubject: by -bs\n\nx\n.\nQUIT\n`;
    const { code, out } = await call(sendmail, ['-bs'], dialogue.replaceAll('\n', '\r\n'));
    expect(code).toBe(0);
    expect(
      out
        .toString('latin1')
        .match(/^\d{3} /gm)
        ?.join(''),
    ).toBe('220 250 250 250 250 250 250 354 250 221 ');
    const got = await arrived('by -bs');
    expect(got).toMatch(TRACE);
    expect(got).toContain(
      'Received: from localhost (HELO x) (sendmail-bs@127.0.0.1)\n  by localhost with SMTP; ',
    );
  });

  test('-bs with a connection in the environment leaves it as it is', async () => {
    const env = { PROTO: 'TCP', TCPREMOTEIP: '192.0.2.7', TCPLOCALHOST: 'here.test' };
    const dialogue = 'MAIL FROM:<>\r\nRCPT TO:<x@elsewhere.test>\r\nQUIT\r\n';
    const { out } = await call(sendmail, ['-bs'], dialogue, env);
    expect(out.toString('latin1')).toContain(
      "553 sorry, that domain isn't in my list of allowed rcpthosts",
    );
  });
});

describe('its other names', () => {
  test.each([
    ['mailq', []],
    ['sendmail', ['-bp']],
    ['mailq', ['-v', '-Ac']],
  ])('%s %j lists the queue', async (name, words) => {
    const options = { env: { PATH: SYSTEM_PATH, QMAILHOME: dir }, ...ownerOf() };
    const direct = async () =>
      (await run(join(dir, 'bin/qmail-qread'), [], options)).out.toString('latin1');
    // What the tests before have sent may be leaving the queue just now.
    const [listed, ran] = await until('the queue stays as it is', async () => {
      const before = await direct();
      const between = await run(join(dir, 'bin', name), words, options);
      return before === (await direct()) ? ([before, between] as const) : undefined;
    });
    expect({ ...ran, out: ran.out.toString('latin1') }).toEqual({ code: 0, err: '', out: listed });
  });

  test('links of any name, anywhere, find the programs beside the file they lead to', async () => {
    for (const name of ['sendmail', 'mailq', 'newaliases']) symlinkSync(sendmail, join(top, name));
    expect(await call(join(top, 'sendmail'), [ALICE], 'Subject: by a link\n\n')).toMatchObject({
      code: 0,
    });
    expect(await arrived('by a link')).toMatch(TRACE);
    const queue = await run(join(top, 'mailq'), [], {
      env: { PATH: SYSTEM_PATH, QMAILHOME: dir },
      ...ownerOf(),
    });
    expect(queue).toMatchObject({ code: 0, err: '' });
    // newaliases(1) runs, and cannot write where this caller may not.
    const aliases = await call(join(top, 'newaliases'), []);
    expect(aliases.code).toBe(111);
    expect(aliases.err).toMatch(/^newaliases: fatal: unable to (read|create) \/etc\/aliases/);
    expect((await call(sendmail, ['-bi'])).err).toBe(aliases.err);
    expect((await call(sendmail, ['-I'])).err).toBe(aliases.err);
  });
});

/** Who owns the instance's queue. */
function ownerOf(): { uid?: number; gid?: number } {
  if (!isRoot) return {};
  const uid = Number(
    /^\+:[^:]*:(\d+):/m.exec(readFileSync(join(dir, 'users/assign'), 'latin1'))?.[1],
  );
  return { uid, gid: uid };
}

describe('programs that send mail', () => {
  test.runIf(installed('php'))("PHP's mail() (needs php-cli)", async () => {
    const script = join(home, 'm.php');
    writeFileSync(
      script,
      `<?php exit(mail("${ALICE}", "by php", "body\\n.\\nend", "From: web@site.test", "-fbounce@site.test") ? 0 : 3);`,
    );
    const ran = await call('php', ['-d', `sendmail_path=${sendmail} -t -i`, script]);
    expect(ran, ran.err).toMatchObject({ code: 0 });
    const got = await arrived('by php');
    expect(got).toMatch(/^Return-Path: <bounce@site\.test>\n/);
    expect(got).toContain('\nFrom: web@site.test\n');
    expect(got).toContain('\n\nbody\n.\nend\n');
    expect(got).not.toContain('\r'); // PHP 8 ends header lines in CR LF
  });

  test.runIf(installed('s-nail'))(
    's-nail, with and without a sender of its own (needs s-nail)',
    async () => {
      const words = ['-n', '-S', `mta=${sendmail}`, '-S', 'sendwait'];
      const one = await call('s-nail', [...words, '-s', 'by s-nail', ALICE], 'hello\n');
      expect(one, one.err).toMatchObject({ code: 0 });
      expect(await arrived('by s-nail')).toMatch(TRACE);
      const two = await call(
        's-nail',
        [...words, '-r', 'me@site.test', '-s', 'by s-nail -r', ALICE],
        'hello\n',
      );
      expect(two, two.err).toMatchObject({ code: 0 });
      expect(await arrived('by s-nail -r')).toMatch(/^Return-Path: <me@site\.test>\n/);
    },
  );

  test.runIf(installed('mutt'))('mutt (needs mutt)', async () => {
    const settings = [
      `sendmail="${sendmail} -oem -oi"`,
      'use_envelope_from=yes',
      'from=mutt@site.test',
      'copy=no',
    ];
    const words = settings.flatMap((setting) => ['-e', `set ${setting}`]);
    const ran = await call(
      'mutt',
      ['-n', '-F', '/dev/null', ...words, '-s', 'by mutt', '--', ALICE],
      'hello\n',
    );
    expect(ran, ran.err).toMatchObject({ code: 0 });
    const got = await arrived('by mutt');
    expect(got).toMatch(/^Return-Path: <mutt@site\.test>\n/);
    expect(got.endsWith('\n\nhello\n')).toBe(true);
  });

  test.runIf(installed('git', '/usr/lib/git-core/git-send-email'))(
    'git send-email (needs git-email, libmailtools-perl)',
    async () => {
      const patch = join(home, '0001-x.patch');
      writeFileSync(
        patch,
        `From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@site.test>\nDate: Sun, 22 Nov 2026 12:00:00 +0000\nSubject: [PATCH] by git\n\nbody\n---\n`,
      );
      const settings = [
        `sendemail.smtpserver=${sendmail}`,
        'sendemail.confirm=never',
        'user.name=A',
        'user.email=a@site.test',
      ];
      const words = settings.flatMap((setting) => ['-c', setting]);
      const ran = await call('git', [
        ...words,
        'send-email',
        '--suppress-cc=all',
        '--to',
        ALICE,
        patch,
      ]);
      expect(ran.code, ran.out.toString('latin1') + ran.err).toBe(0);
      expect(await arrived('[PATCH] by git')).toMatch(TRACE);
    },
  );

  test.runIf(installed('python3'))("Python's subprocess (needs python3)", async () => {
    const script =
      'import subprocess, sys, email.message\n' +
      'm = email.message.EmailMessage()\n' +
      `m["To"] = "${ALICE}"\nm["From"] = "py@site.test"\nm["Subject"] = "by python"\nm.set_content("hello")\n` +
      'sys.exit(subprocess.run([sys.argv[1], "-t", "-oi"], input=m.as_bytes()).returncode)\n';
    const ran = await call('python3', ['-c', script, sendmail]);
    expect(ran, ran.err).toMatchObject({ code: 0 });
    expect(await arrived('by python')).toMatch(TRACE);
  });

  test("nodemailer's sendmail transport", async () => {
    // It starts sendmail with our own environment and uid.
    const transport = createTransport({
      sendmail: true,
      path: join(top, 'as-here'),
      newline: 'unix',
    });
    writeFileSync(join(top, 'as-here'), `#!/bin/sh\nQMAILHOME='${dir}' exec '${sendmail}' "$@"\n`, {
      mode: 0o755,
    });
    await transport.sendMail({
      from: 'node@site.test',
      to: ALICE,
      subject: 'by nodemailer',
      text: 'hello',
    });
    const got = await arrived('by nodemailer');
    expect(got).toMatch(/^Return-Path: <node@site\.test>\n/);
    expect(got).toMatch(new RegExp(`invoked by uid ${process.getuid?.()}\\)`));
  });
});
