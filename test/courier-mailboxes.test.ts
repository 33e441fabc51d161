// One Maildir, Courier's imapd and ours: what each makes of mailboxes, subscriptions and access lists, the other says too.

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Courier, type CourierSession, hasCourier } from './lib/courier.ts';
import { ImapTalk } from './lib/imap-talk.ts';
import { openDirectory, removeInstance } from './lib/instance.ts';
import { DOMAIN, type MailHost, OWNER_UID, startMailHost } from './lib/mail-host.ts';

let host: MailHost;
let courier: Courier;
let top: string;
let theirs: Server;
let ours: Server;

/** Says a command, and gives the untagged lines. Throws if the answer is not OK. */
type Server = (command: string) => Promise<string[]>;

beforeAll(async () => {
  if (!hasCourier) return;
  const env = { IMAP_NAMESPACE: 'courier' };
  host = await startMailHost({ program: 'imapd', mode: 'root', env });
  top = openDirectory('courier-mailboxes-');
  chmodSync(top, 0o755);
  mkdirSync(join(top, 'courier'));
  courier = new Courier(join(top, 'courier'), host.home);
  const login = `${DOMAIN}-ann`;
  ours = serverOf(await openOurs());
  theirs = serverOf(await openTheirs(login));
});

afterAll(async () => {
  await courier?.stop();
  await host?.remove();
  if (top !== undefined) await removeInstance(top, []);
});

async function openOurs() {
  const talk = await ImapTalk.open(host.port);
  await talk.say(`l LOGIN ann@${DOMAIN} "${host.users.ann}"\n`, 'l');
  return (line: string, tag: string) => talk.say(`${tag} ${line}\n`, tag);
}

/** Courier's imapd as its login programs start it, as the owner of the mail. */
async function openTheirs(login: string) {
  const maildir = host.maildir('ann');
  const ids = [`--reuid=${OWNER_UID}`, `--regid=${OWNER_UID}`, '--clear-groups'];
  const env = {
    AUTHENTICATED: login,
    IMAPLOGINTAG: 'x',
    MAILDIR: maildir,
    HOME: maildir,
    IMAP_ACL: '1',
    IMAP_USELOCKS: '0',
    IMAP_MAILBOX_SANITY_CHECK: '0',
  };
  const chain = ['setpriv', ...ids, '/usr/bin/imapd', maildir];
  const session: CourierSession = await courier.imap(env, chain, /^x OK.*\r\n/m);
  return (line: string, tag: string) =>
    session.say(`${tag} ${line}`, new RegExp(`^${tag} .*\\r\\n`, 'm'));
}

function serverOf(say: (line: string, tag: string) => Promise<string>): Server {
  let tags = 0;
  return async (command) => {
    const tag = `t${++tags}`;
    const lines = (await say(command, tag)).split('\r\n').slice(0, -1);
    const answer = lines.pop() ?? '';
    expect(answer, command).toContain(`${tag} OK `);
    return lines;
  };
}

/** Names with what both say of them: strings may be quoted or not, and each server has attributes of its own. */
function comparable(lines: readonly string[]): string[] {
  const own = /\\(?:Marked|Unmarked|Sent|Trash|Drafts|Junk|Archive) ?/g;
  return lines
    .filter((line) => /^\* (?:LIST|LSUB|STATUS) /.test(line))
    .map((line) => line.replaceAll(own, '').replaceAll('"', '').replace(/ \)/, ')'))
    .sort();
}

/** Identifiers and rights, of the letters that Courier shows: e, t and x together are d to it. */
function rightsOf(lines: readonly string[]): Record<string, string> {
  const words = (lines.find((line) => line.startsWith('* ACL ')) ?? '')
    .replaceAll('"', '')
    .split(' ');
  const entries: Record<string, string> = {};
  for (let i = 3; i + 1 < words.length; i += 2)
    entries[words[i] as string] = [...(words[i + 1] as string)]
      .filter((letter) => 'acdilrsw'.includes(letter))
      .sort()
      .join('');
  return entries;
}

async function expectAgreement(): Promise<void> {
  for (const command of [
    'LIST "" *',
    'LIST "" %',
    'LIST INBOX. %',
    'LIST "" INBOX.%.%',
    'LIST "" inbox',
    'LSUB INBOX. %',
    'LSUB "" INBOX.%.%',
    'STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)',
  ])
    expect(comparable(await ours(command)), command).toEqual(comparable(await theirs(command)));
}

describe.runIf(hasCourier)('Courier and we (needs root and Courier)', () => {
  test('list the same mailboxes and subscriptions, whoever made them', async () => {
    host.put('ann', '1.M1P1.host', 'Subject: a\n\nb\n');
    for (const command of [
      'CREATE INBOX.Arch.2026',
      'CREATE INBOX.Sent',
      'CREATE INBOX.T&AOk-st',
      'SUBSCRIBE INBOX.Arch.2026',
      'SUBSCRIBE INBOX.T&AOk-st',
    ])
      await ours(command);
    await expectAgreement();
    for (const command of [
      'CREATE INBOX.Theirs.&AOQ-',
      'RENAME INBOX.Sent INBOX.Gesendet',
      'SUBSCRIBE INBOX.Theirs.&AOQ-',
      'UNSUBSCRIBE INBOX.T&AOk-st',
      'DELETE INBOX.T&AOk-st',
    ])
      await theirs(command);
    await expectAgreement();
    await ours('RENAME INBOX.Theirs INBOX.Ours');
    await ours('DELETE INBOX.Arch.2026');
    await expectAgreement();
  });

  test('say the same of access lists, whoever set them', async () => {
    await ours('CREATE INBOX.Shared');
    await ours('SETACL INBOX.Shared bob lrs');
    const entries = async () => {
      const both = [ours, theirs].map((server) => server('GETACL INBOX.Shared'));
      const [mine, other] = await Promise.all(both);
      expect(rightsOf(mine ?? [])).toEqual(rightsOf(other ?? []));
      return rightsOf(mine ?? []);
    };
    const whole = { owner: 'acdilrsw', administrators: 'acdilrsw' };
    expect(await entries()).toEqual({ ...whole, bob: 'lrs' });
    await theirs('SETACL INBOX.Shared anyone lrswidc');
    await theirs('SETACL INBOX.Shared bob -s');
    expect(await entries()).toEqual({ ...whole, bob: 'lr', anyone: 'cdilrsw' });
    await ours('DELETEACL INBOX.Shared bob');
    expect(await entries()).toEqual({ ...whole, anyone: 'cdilrsw' });
    expect(await ours('MYRIGHTS INBOX.Shared')).toHaveLength(1);
  });
});
