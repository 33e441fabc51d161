// offlineimap: keeps a Maildir of its own and the server's mailboxes the same, both ways, and waits by IDLE.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Conversation } from '../lib/conversation.ts';
import { MaildirBox } from '../lib/maildir-box.ts';
import { installed, run } from '../lib/run.ts';
import { type Account, environment, holds, type ImapClient, letter } from './model.ts';

export const offlineimap: ImapClient = { there: installed('offlineimap'), session };

async function session(account: Account, box: MaildirBox, dir: string): Promise<void> {
  const local = join(dir, 'mail');
  mkdirSync(local);
  writeFileSync(join(dir, 'rc'), configuration(account, dir), { mode: 0o600 });
  const words = ['-c', join(dir, 'rc'), '-u', 'basic'];
  const options = { env: environment(dir), cwd: dir };
  const sync = async () => {
    const { code, out, err } = await run('offlineimap', ['-o', ...words], options);
    expect(code, out.toString('latin1') + err).toBe(0);
    expect(out.toString('latin1') + err).not.toMatch(/ERROR|Traceback/);
  };
  const near = new MaildirBox(join(local, 'INBOX'), process.getuid?.() as number);
  const archive = new MaildirBox(join(local, 'Archive'), process.getuid?.() as number);

  await sync();
  expect(near.messages()).toEqual(['one', 'three', 'two']);

  near.flag('one', 'FS');
  near.deliver(letter('near'));
  near.remove('two');
  archive.make();
  archive.deliver(letter('kept'));
  box.deliver(letter('far'));
  await sync();
  await holds(box, '', ['far', 'near', 'one FS', 'three']);
  await holds(box, 'Archive', ['kept']);
  expect(near.messages()).toEqual(['far', 'near', 'one FS', 'three']);

  box.flag('far', 'RS');
  box.remove('three');
  const client = new Conversation('offlineimap', [...words, '-d', 'imap'], options);
  try {
    // The library says what it sends and gets, the first after it was sent: the answer may be shown before it.
    await client.shows(/_put_response\(b'\+ idling/);
    box.deliver(letter('late'));
    await holds(near, '', ['far RS', 'late', 'near', 'one FS']);
  } finally {
    await client.end();
  }
}

function configuration(account: Account, dir: string): string {
  const { port, user, password, encryption, certificate } = account;
  return `[general]
accounts = test
metadata = ${dir}/state

[Account test]
localrepository = near
remoterepository = far
autorefresh = 60

[Repository near]
type = Maildir
localfolders = ${dir}/mail

[Repository far]
type = IMAP
remotehost = localhost
remoteport = ${port}
remoteuser = ${user}
remotepass = ${password}
auth_mechanisms = PLAIN
ssl = ${encryption === 'TLS' ? 'yes' : 'no'}
starttls = ${encryption === 'STARTTLS' ? 'yes' : 'no'}
sslcacertfile = ${certificate}
idlefolders = ['INBOX']
`;
}
