// mbsync (isync): keeps a Maildir of its own and the server's mailboxes the same, both ways.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { MaildirBox } from '../lib/maildir-box.ts';
import { installed, run } from '../lib/run.ts';
import { type Account, environment, holds, type ImapClient, letter } from './model.ts';

export const mbsync: ImapClient = { there: installed('mbsync'), session };

async function session(account: Account, box: MaildirBox, dir: string): Promise<void> {
  const local = join(dir, 'mail');
  mkdirSync(local);
  writeFileSync(join(dir, 'rc'), configuration(account, local), { mode: 0o600 });
  const sync = async () => {
    const words = ['-c', join(dir, 'rc'), '-a'];
    const { code, out, err } = await run('mbsync', words, { env: environment(dir), cwd: dir });
    expect(`${code} ${err}`, out.toString('latin1')).toBe('0 ');
  };
  const near = new MaildirBox(join(local, 'INBOX'), process.getuid?.() as number);

  await sync();
  expect(near.messages()).toEqual(['one', 'three', 'two']);

  // Changes on both sides at once: flags, a new message, one removed, a new folder.
  near.flag('one', 'FS');
  near.deliver(letter('near'));
  near.flag('two', 'T');
  near.folder('Archive').make();
  near.folder('Archive').deliver(letter('kept'));
  box.deliver(letter('far'));
  await sync();
  await holds(box, '', ['far', 'near', 'one FS', 'three']);
  await holds(box, 'Archive', ['kept']);
  expect(near.messages()).toEqual(['far', 'near', 'one FS', 'three']);

  // And back: what another client did at the server.
  box.flag('far', 'RS');
  box.remove('one');
  await sync();
  expect(near.messages()).toEqual(['far RS', 'near', 'three']);
  expect(near.messages('Archive')).toEqual(['kept']);
}

function configuration(account: Account, local: string): string {
  const { port, user, password, encryption, certificate } = account;
  return `IMAPAccount server
Host localhost
Port ${port}
User ${user}
Pass "${password}"
AuthMechs *
SSLType ${{ plain: 'None', STARTTLS: 'STARTTLS', TLS: 'IMAPS' }[encryption]}
CertificateFile ${certificate}

IMAPStore far
Account server

MaildirStore near
SubFolders Maildir++
Inbox ${join(local, 'INBOX')}

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
`;
}
