// qmail-local as a process, with real homes, files and programs.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  deliver,
  dotQmail,
  emptyHome,
  fakeQueue,
  fileIn,
  isIn,
  MESSAGE,
  makeRecipient,
  queued,
  type Recipient,
  removeRecipient,
} from './testing/recipient.ts';

const HEAD = 'Return-Path: <ann@example.net>\nDelivered-To: joe@example.org\n';
const isRoot = process.getuid?.() === 0;

let joe: Recipient;

beforeAll(async () => {
  joe = await makeRecipient('qmail-local');
});
afterAll(() => removeRecipient(joe));
beforeEach(() => emptyHome(joe));

function makeMaildir(name: string): void {
  for (const dir of ['', 'tmp', 'new', 'cur']) mkdirSync(join(joe.home, name, dir));
}

describe('before anything is delivered', () => {
  test('a wrong call is 100 and a usage line', async () => {
    const child = spawn(join(joe.qmail, 'bin/qmail-local'), ['joe', joe.home], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(100);
  });

  test('a home that is not there, or that others may write, means later', async () => {
    chmodSync(joe.home, 0o777);
    expect(await deliver(joe)).toMatchObject({
      code: 111,
      err: 'Uh-oh: home directory is writable. (#4.7.0)\n',
    });
    const nowhere = { ...joe, home: join(joe.qmail, 'nowhere') };
    expect(await deliver(nowhere)).toMatchObject({
      code: 111,
      err: `Unable to switch to ${nowhere.home}: no such file or directory. (#4.3.0)\n`,
    });
  });

  test('a sticky home means that its owner is editing, and is only a warning with -n', async () => {
    chmodSync(joe.home, 0o1755);
    expect(await deliver(joe)).toMatchObject({
      code: 111,
      err: 'Home directory is sticky: user is editing his .qmail file. (#4.2.1)\n',
    });
    expect(await deliver(joe, { options: ['-n', '--'] })).toMatchObject({
      code: 0,
      out: 'mbox ./Mailbox\ndid 1+0+0\n',
      err: 'Warning: home directory is sticky.\n',
    });
    expect(isIn(joe, 'Mailbox')).toBe(false);
  });

  test('a message that went through here before bounces; other Delivered-To lines do not matter', async () => {
    const loop = 'X: y\nDelivered-To: joe@example.org\n\nbody\n';
    expect(await deliver(joe, { message: loop })).toMatchObject({
      code: 100,
      err: 'This message is looping: it already has my Delivered-To line. (#5.4.6)\n',
    });
    for (const near of [
      'Delivered-To: JOE@example.org\n\n',
      'Delivered-To: joe@example.org \n\n',
      'X: y\n\nDelivered-To: joe@example.org\n',
    ]) {
      expect((await deliver(joe, { message: near })).code).toBe(0);
    }
  });

  test('a message in a pipe cannot be rewound', async () => {
    expect(await deliver(joe, { input: 'pipe' })).toMatchObject({
      code: 111,
      err: 'Unable to rewind message. (#4.3.0)\n',
    });
  });
});

describe('the .qmail file', () => {
  test('the most specific one is in charge; dots are colons and case does not matter', async () => {
    dotQmail(joe, './exact\n', '-re:port-x');
    dotQmail(joe, '|printf %s "$DEFAULT" >> default\n', '-re:port-default');
    dotQmail(joe, './other\n', '-default');
    expect((await deliver(joe, { ext: 'Re.Port-X' })).code).toBe(0);
    expect((await deliver(joe, { ext: 'Re.Port-Y.z' })).code).toBe(0);
    expect((await deliver(joe, { ext: 'else' })).code).toBe(0);
    expect(['exact', 'other'].every((name) => isIn(joe, name))).toBe(true);
    expect(fileIn(joe, 'default')).toBe('Y.z');
  });

  test('no file: nobody for an extension, the default delivery for the user', async () => {
    expect(await deliver(joe, { ext: 'nobody' })).toMatchObject({
      code: 100,
      err: 'Sorry, no mailbox here by that name. (#5.1.1)\n',
    });
    expect(await deliver(joe)).toMatchObject({ code: 0, out: 'did 1+0+0\n' });
    expect(isIn(joe, 'Mailbox')).toBe(true);
  });

  test('an empty file means the default delivery, a file of comments means none', async () => {
    dotQmail(joe, '', '-list', 0o744);
    expect(await deliver(joe, { ext: 'list' })).toMatchObject({ code: 0, out: 'did 1+0+0\n' });
    dotQmail(joe, '# gone\n');
    expect(await deliver(joe)).toMatchObject({ code: 0, out: 'did 0+0+0\n' });
  });

  test('one that others may write, or that begins with nothing, means later', async () => {
    dotQmail(joe, './Mailbox\n', '', 0o646);
    expect((await deliver(joe)).err).toBe('Uh-oh: .qmail file is writable. (#4.7.0)\n');
    dotQmail(joe, '\n./Mailbox\n');
    expect(await deliver(joe)).toMatchObject({
      code: 111,
      err: 'Uh-oh: first line of .qmail file is blank. (#4.2.1)\n',
    });
  });

  test('what is not a regular file is not there; what cannot be opened means later', async () => {
    mkdirSync(join(joe.home, '.qmail-x'));
    expect((await deliver(joe, { ext: 'x' })).code).toBe(100);
    symlinkSync('.qmail-loop', join(joe.home, '.qmail-loop'));
    expect((await deliver(joe, { ext: 'loop' })).code).toBe(100);
  });

  test('one that may not be read means later', async () => {
    dotQmail(joe, './Mailbox\n', '', 0);
    expect(await deliver(joe, isRoot ? { uid: 65_534 } : {})).toMatchObject({
      code: 111,
      err: 'Unable to open .qmail: permission denied. (#4.3.0)\n',
    });
  });

  test('with its x bit or after +list only forwards are allowed', async () => {
    dotQmail(joe, './Mailbox\n', '-a', 0o744);
    expect((await deliver(joe, { ext: 'a' })).err).toBe(
      'Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)\n',
    );
    dotQmail(joe, '+list\n|true\n', '-b');
    expect((await deliver(joe, { ext: 'b' })).err).toBe(
      'Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)\n',
    );
  });

  test('-n tells what would be done and does nothing, without a message', async () => {
    dotQmail(joe, './Maildir/\n/var/mail/joe\n|touch ran\n&ann@example.net\nbob@example.net\n');
    expect(await deliver(joe, { options: ['-n', '--'], input: 'pipe' })).toMatchObject({
      code: 0,
      out:
        'maildir ./Maildir/\nmbox /var/mail/joe\nprogram touch ran\n' +
        'forward ann@example.net\nforward bob@example.net\ndid 2+2+1\n',
    });
    expect(readdirSync(joe.home)).toEqual(['.qmail']);
  });
});

describe('files', () => {
  test('an mbox gets the three lines, the quoted message and an empty line, after what was there', async () => {
    await deliver(joe, { sender: '' });
    await deliver(joe, { message: 'Subject: 2\n\n>From x\nno newline', sender: 'a b@c\td' });
    const mbox = fileIn(joe, 'Mailbox').replace(/ \w{3} \w{3} \d\d [\d:]{8} \d{4}\n/g, ' DATE\n');
    expect(mbox).toBe(
      'From MAILER-DAEMON DATE\nReturn-Path: <>\nDelivered-To: joe@example.org\n' +
        'Subject: hello\n\nFirst line\n>From the second\n\n' +
        'From a-b@c-d DATE\nReturn-Path: <"a b"@c\td>\nDelivered-To: joe@example.org\n' +
        'Subject: 2\n\n>>From x\nno newline\n\n',
    );
    expect(statSync(join(joe.home, 'Mailbox')).mode & 0o777).toBe(0o600);
  });

  test('an mbox in a directory that is not there means later', async () => {
    dotQmail(joe, './no/where\n');
    expect(await deliver(joe)).toMatchObject({
      code: 111,
      err: 'Unable to open ./no/where: no such file or directory. (#4.2.1)\n',
    });
  });

  test('an mbox that cannot take all of the message gets its old length back', async () => {
    writeFileSync(join(joe.home, 'Mailbox'), 'old\n');
    dotQmail(joe, './Mailbox\n');
    const limited = join(joe.qmail, 'bin/limited');
    // 2 blocks of 512 bytes; node must not be killed by the signal, which it ignores.
    writeFileSync(limited, `#!/bin/sh\nulimit -f 2\nexec '${joe.qmail}/bin/qmail-local' "$@"\n`);
    chmodSync(limited, 0o755);
    const message = `Subject: big\n\n${'x'.repeat(5000)}\n`;
    const outcome = await deliver(joe, { message, program: 'limited' });
    expect(outcome).toMatchObject({
      code: 111,
      err: 'Unable to write ./Mailbox: file too large. (#4.3.0)\n',
    });
    expect(fileIn(joe, 'Mailbox')).toBe('old\n');
  });

  test('a maildir gets the message byte for byte under its two lines', async () => {
    makeMaildir('Maildir');
    dotQmail(joe, './Maildir/\n');
    const message = 'Subject: \xe9\n\nFrom a\r\n\0\xff no newline';
    expect(await deliver(joe, { message })).toMatchObject({ code: 0, out: 'did 1+0+0\n' });
    const [name] = readdirSync(join(joe.home, 'Maildir/new'));
    expect(fileIn(joe, `Maildir/new/${name}`)).toBe(HEAD + message);
    expect(readdirSync(join(joe.home, 'Maildir/tmp'))).toEqual([]);
  });

  test('a maildir that is not there means later', async () => {
    dotQmail(joe, './Maildir/\n');
    expect(await deliver(joe)).toMatchObject({
      code: 111,
      err: 'Unable to chdir to maildir. (#4.2.1)\n',
    });
  });

  test('two deliveries to one mbox wait for each other', async () => {
    const message = `Subject: x\n\n${'line of text\n'.repeat(20_000)}`;
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => deliver(joe, { message })));
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    const parts = fileIn(joe, 'Mailbox')
      .split(/^From .*\n/m)
      .slice(1);
    expect(parts).toEqual(Array.from({ length: 4 }, () => `${HEAD}${message}\n`));
  });
});

describe('programs', () => {
  test('find the message from its start, each of them, and the home as their directory', async () => {
    dotQmail(joe, '|cat > one\n|head -c 3 > two; pwd > dir\n|cat > three\n./Mailbox\n');
    expect(await deliver(joe)).toMatchObject({ code: 0, out: 'did 1+0+3\n' });
    expect(fileIn(joe, 'one')).toBe(MESSAGE);
    expect(fileIn(joe, 'two')).toBe('Sub');
    expect(fileIn(joe, 'three')).toBe(MESSAGE);
    expect(fileIn(joe, 'dir')).toBe(`${joe.home}\n`);
  });

  test('find the delivery in their environment', async () => {
    dotQmail(joe, '|env > env\n', '-a-default');
    dotQmail(joe, '', '-a-b-c-d-e-owner');
    const outcome = await deliver(joe, {
      ext: 'a-b-c-d-e',
      local: 'joe-a-b-c-d-e',
      sender: 'A b@example.net',
      env: { DEFAULT: 'inherited', MARK: 'kept' },
    });
    expect(outcome.code).toBe(0);
    const env = fileIn(joe, 'env');
    for (const line of [
      'HOST=example.org',
      'HOST2=example',
      'HOST3=example',
      'HOST4=example',
      `HOME=${joe.home}`,
      'USER=joe',
      'LOCAL=joe-a-b-c-d-e',
      'RECIPIENT=joe-a-b-c-d-e@example.org',
      'SENDER=A b@example.net',
      'NEWSENDER=joe-a-b-c-d-e-owner@example.org',
      'DTLINE=Delivered-To: joe-a-b-c-d-e@example.org\n',
      'RPLINE=Return-Path: <"A b"@example.net>\n',
      'EXT=a-b-c-d-e',
      'EXT2=b-c-d-e',
      'EXT3=c-d-e',
      'EXT4=d-e',
      'DEFAULT=b-c-d-e',
      'MARK=kept',
    ]) {
      expect(env).toContain(`${line}\n`);
    }
    expect(env).toMatch(/^UFLINE=From A-b@example\.net \w{3} \w{3} \d\d [\d:]{8} \d{4}$/m);
  });

  test('have no DEFAULT when no default is in charge', async () => {
    dotQmail(joe, '|env > env\n');
    await deliver(joe, { env: { DEFAULT: 'inherited' } });
    expect(fileIn(joe, 'env')).not.toMatch(/^DEFAULT=/m);
  });

  test.each([
    [0, 0],
    [1, 111],
    [2, 111],
    [64, 100],
    [65, 100],
    [70, 100],
    [71, 111],
    [75, 111],
    [76, 100],
    [77, 100],
    [78, 100],
    [100, 100],
    [111, 111],
    [112, 100],
    [127, 111],
  ])('that end with %i make it end with %i', async (theirs, ours) => {
    dotQmail(joe, `|echo said; echo told >&2; exit ${theirs}\n./Mailbox\n`);
    const outcome = await deliver(joe);
    expect(outcome.code).toBe(ours);
    expect(outcome.out).toBe(ours === 0 ? 'said\ndid 1+0+1\n' : 'said\n');
    expect(outcome.err).toBe('told\n');
    expect(isIn(joe, 'Mailbox')).toBe(ours === 0);
  });

  test('that crash mean later', async () => {
    dotQmail(joe, '|kill -SEGV $$\n');
    expect(await deliver(joe)).toMatchObject({
      code: 111,
      err: 'Aack, child crashed. (#4.3.0)\n',
    });
  });

  test('that end with 99 make the rest of the file not count, forwards before them excepted', async () => {
    const env = fakeQueue(joe);
    dotQmail(joe, '&before@example.net\n|exit 99\n./Mailbox\n&after@example.net\n\n|exit 100\n');
    const outcome = await deliver(joe, { env });
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.out).toMatch(/^did 0\+1\+1\nqp \d+\n$/);
    expect(queued(joe).envelope).toBe('Fann@example.net\0Tbefore@example.net\0\0');
    expect(isIn(joe, 'Mailbox')).toBe(false);
  });

  test('die of a closed pipe as they expect to', async () => {
    dotQmail(joe, '|(yes; echo $? > status) | head -1 > first\n');
    expect((await deliver(joe)).code).toBe(0);
    expect(fileIn(joe, 'status')).toBe('141\n');
  });

  test('are run even if their line is not UTF-8', async () => {
    dotQmail(joe, "|printf '%s' \"\xe9'%d\\x\" > out; exit 99\n");
    expect((await deliver(joe)).code).toBe(0);
    expect(fileIn(joe, 'out')).toBe("\xe9'%d\\x");
  });
});

describe('forwards', () => {
  test('are one message with all of them as recipients, after everything else', async () => {
    const env = fakeQueue(joe);
    dotQmail(joe, `&a@example.net\n|test ! -e '${joe.qmail}/queue-calls'\nb\n&\xe9@example.net\n`);
    const outcome = await deliver(joe, { env });
    expect(outcome).toMatchObject({ code: 0, err: '' });
    expect(outcome.out).toMatch(/^did 0\+3\+1\nqp \d+\n$/);
    expect(queued(joe)).toEqual({
      message: `Delivered-To: joe@example.org\n${MESSAGE}`,
      envelope: 'Fann@example.net\0Ta@example.net\0Tb\0T\xe9@example.net\0\0',
      calls: 1,
    });
  });

  test('of a list come from its owner, or from the owner for each recipient', async () => {
    const env = fakeQueue(joe);
    dotQmail(joe, '&a@example.net\n', '-list', 0o744);
    dotQmail(joe, '&ann\n', '-list-owner');
    await deliver(joe, { ext: 'list', env });
    expect(queued(joe).envelope).toBe('Fjoe-list-owner@example.org\0Ta@example.net\0\0');
    dotQmail(joe, '&ann\n', '-list-owner-default');
    await deliver(joe, { ext: 'list', env });
    expect(queued(joe).envelope).toBe('Fjoe-list-owner-@example.org-@[]\0Ta@example.net\0\0');
    await deliver(joe, { ext: 'list', env, sender: '' });
    expect(queued(joe).envelope).toBe('F\0Ta@example.net\0\0');
    await deliver(joe, { ext: 'list', env, sender: '#@[]' });
    expect(queued(joe).envelope).toBe('F#@[]\0Ta@example.net\0\0');
  });

  test('are not made when something before them failed', async () => {
    const env = fakeQueue(joe);
    dotQmail(joe, '&a@example.net\n./no/where\n');
    expect((await deliver(joe, { env })).code).toBe(111);
    expect(queued(joe).calls).toBe(0);
  });

  test.each([
    [31, 100, 'mail server permanently rejected message (#5.3.0)'],
    [53, 111, 'qq write error or disk full (#4.3.0)'],
    [81, 111, 'qq internal bug (#4.3.0)'],
  ])('that qmail-queue answers with %i end with %i', async (theirs, ours, text) => {
    const env = fakeQueue(joe, theirs);
    dotQmail(joe, '&a@example.net\n');
    expect(await deliver(joe, { env })).toMatchObject({
      code: ours,
      err: `Unable to forward message: ${text}.\n`,
    });
  });

  test('without any way into the queue mean later', async () => {
    dotQmail(joe, '&a@example.net\n');
    const outcome = await deliver(joe);
    expect(outcome.code).toBe(111);
    expect(outcome.err).toMatch(/^Unable to forward message: .*\n$/);
  });
});

test('a default delivery is made like a .qmail line', async () => {
  makeMaildir('Maildir');
  expect((await deliver(joe, { aliasEmpty: './Maildir/\n|cat > copy' })).out).toBe('did 1+0+1\n');
  expect(readFileSync(join(joe.home, 'copy'), 'latin1')).toBe(MESSAGE);
});
