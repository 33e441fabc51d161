// Mail that is sent by putting it into a folder: from an IMAP client through imapd, sendmail and the queue to a mailbox.

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ImapTalk } from './lib/imap-talk.ts';
import {
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
} from './lib/instance.ts';
import { MaildirBox } from './lib/maildir-box.ts';
import { until } from './lib/processes.ts';
import { ownedDirectory } from './lib/real-host.ts';
import { isRoot, run, SYSTEM_PATH } from './lib/run.ts';

const ALICE = 'alice@example.test';
const UID = isRoot ? 65_534 : (process.getuid?.() as number);
const GID = isRoot ? 65_534 : (process.getgid?.() as number);

let top: string;
let dir: string;
let instance: RunningInstance | undefined;

beforeAll(async () => {
  top = openDirectory('imap-outbox-');
  dir = join(top, 'var');
  instance = await startInstance(dir);
});
afterAll(async () => {
  await removeInstance(dir, [instance?.supervisor]);
  await removeInstance(top, []);
});

/** The settings of sessions that begin from now on. */
const settings = (text: string) => writeFileSync(join(dir, 'control/imapd'), text);

const message = (subject: string) =>
  `To: bob@example.test\nBcc: ${ALICE}\nSubject: ${subject}\n\nbody of it\n`;

/** An APPEND to the outbox, as ImapTalk sends it. */
function append(tag: string, subject: string): string {
  const text = message(subject);
  return `${tag} APPEND Outbox (\\Seen) {${text.replaceAll('\n', '\r\n').length}+}\n${text}\n`;
}

/** The message with this subject, when it has come. */
function arrived(subject: string, user = 'bob'): Promise<string> {
  const box = join(dir, 'domains/example.test/users', user, 'new');
  return until(`the message "${subject}" is in ${user}'s mailbox`, () =>
    readdirSync(box)
      .map((name) => readFileSync(join(box, name), 'latin1'))
      .find((text) => text.includes(`\nSubject: ${subject}\n`)),
  );
}

async function login(): Promise<ImapTalk> {
  const { imapPort = 0, users = [] } = instance ?? {};
  const password = users.find(({ address }) => address === ALICE)?.password;
  const talk = await ImapTalk.open(imapPort);
  expect(await talk.say(`l LOGIN ${ALICE} "${password}"\n`, 'l')).toMatch(/^l OK /);
  return talk;
}

test('the resident service sends what is appended to the outbox and copied there, and keeps it', async () => {
  settings('OUTBOX=.Outbox\nHEADERFROM=X-IMAP-Sender\n');
  const talk = await login();
  expect(await talk.say('c CAPABILITY\n', 'c')).toContain(' XCOURIEROUTBOX=Outbox ');
  expect(await talk.say('d CREATE Outbox\n', 'd')).toMatch(/^d OK/m);
  expect(await talk.say(append('e', 'appended'), 'e')).toMatch(/^e OK \[APPENDUID \d+ 1\]/m);
  const got = await arrived('appended');
  expect(got).toMatch(new RegExp(`^Return-Path: <${ALICE}>\n`));
  expect(got).toMatch(new RegExp(`^X-IMAP-Sender: ${ALICE}$`, 'm'));
  expect(got).toMatch(/\n\nbody of it\n$/);
  expect(got).not.toContain('Bcc');
  await arrived('appended', 'alice');
  expect(await talk.say('f SELECT Outbox\n', 'f')).toContain('* 1 EXISTS');
  const kept = await talk.say('g FETCH 1 BODY.PEEK[]\n', 'g');
  expect(kept).toContain(message('appended').replaceAll('\n', '\r\n'));
  const copied = message('copied').replaceAll('\n', '\r\n');
  const draft = `h APPEND INBOX {${copied.length}+}\n${copied.replaceAll('\r\n', '\n')}\n`;
  const uid = /APPENDUID \d+ (\d+)/.exec(await talk.say(draft, 'h'))?.[1];
  await talk.say('i SELECT INBOX\n', 'i');
  expect(await talk.say(`j UID COPY ${uid} Outbox\n`, 'j')).toMatch(/^j OK \[COPYUID/m);
  await arrived('copied');
  await talk.finish('z LOGOUT\n');
});

test('what sendmail refuses is not kept, and the client is told', async () => {
  settings('OUTBOX=.Outbox\nSENDMAIL=/bin/false\n');
  const talk = await login();
  const before = /MESSAGES (\d+)/.exec(await talk.say('a STATUS Outbox (MESSAGES)\n', 'a'))?.[1];
  expect(await talk.say(append('b', 'refused'), 'b')).toBe(
    'b NO Not sent: sendmail ended with exit code 1\r\n',
  );
  expect(await talk.say('c STATUS Outbox (MESSAGES)\n', 'c')).toContain(`(MESSAGES ${before})`);
  await talk.finish('z LOGOUT\n');
});

test('a process of its own for each client sends as well, and tells what the queue says', async () => {
  settings('OUTBOX=.Outbox\n');
  const home = join(top, 'home');
  ownedDirectory(home, { uid: UID, gid: GID });
  const maildir = join(home, 'Maildir');
  new MaildirBox(maildir, UID).make();
  mkdirSync(join(top, 'empty'));
  const session = (subject: string, env: NodeJS.ProcessEnv) =>
    run(join(dir, 'bin/imapd'), [maildir], {
      input:
        `a CREATE Outbox\n${append('b', subject)}c STATUS Outbox (MESSAGES)\nz LOGOUT\n`.replaceAll(
          '\n',
          '\r\n',
        ),
      cwd: home,
      env: { PATH: SYSTEM_PATH, HOME: home, QMAILHOME: dir, AUTHENTICATED: ALICE, ...env },
      ...(isRoot ? { uid: UID, gid: GID } : {}),
    });
  const sent = await session('one shot', {});
  expect(sent.code, sent.err).toBe(0);
  expect(sent.out.toString('latin1')).toMatch(/^b OK \[APPENDUID \d+ 1\]/m);
  expect(await arrived('one shot')).toMatch(new RegExp(`^X-IMAP-Sender: ${ALICE}$`, 'm'));
  // The queue of a tree that has none: qmail-inject's own words.
  const sendmail = join(home, 'sendmail');
  const call = `#!/bin/sh\nQMAILHOME='${top}/empty' exec '${dir}/bin/sendmail' "$@"\n`;
  writeFileSync(sendmail, call);
  chmodSync(sendmail, 0o755);
  const refused = await session('no queue', { SENDMAIL: sendmail });
  const answers = refused.out.toString('latin1');
  expect(answers).toMatch(/^b NO Not sent: .*qmail.*\r$/m);
  expect(answers).toContain('(MESSAGES 1)');
});
