// mutt and its descendant neomutt, on a terminal, with IDLE, CONDSTORE, QRESYNC and a header cache.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Conversation } from '../lib/conversation.ts';
import type { MaildirBox } from '../lib/maildir-box.ts';
import { installed } from '../lib/run.ts';
import { type Account, environment, holds, type ImapClient, letter } from './model.ts';

export const mutt = muttOf('mutt');
export const neomutt = muttOf('neomutt');

function muttOf(program: string): ImapClient {
  return {
    there: installed(program, 'python3'),
    session: (account, box, dir) => session(program, account, box, dir),
  };
}

/** Begins the line that is asked for anew, and paints the whole screen after the command: what it shows is all there. */
const CLEAR_LINE = '\x15';
const REPAINT = '\x0c';

async function session(
  program: string,
  account: Account,
  box: MaildirBox,
  dir: string,
): Promise<void> {
  mkdirSync(join(dir, 'cache'));
  writeFileSync(join(dir, 'rc'), configuration(account, dir), { mode: 0o600 });
  const words = ['-n', '-F', join(dir, 'rc')];
  const env = environment(dir);
  const open = () => new Conversation(program, words, { env, cwd: dir, terminal: true });

  await using(open(), (client) => work(client, box));

  // With what it keeps of the mailbox it asks for the difference alone: QRESYNC.
  box.remove('three');
  box.flag('late', 'FS');
  await using(open(), async (client) => {
    await client.shows('late');
    await client.type(REPAINT).shows(/Msgs:2 .*Flag:2/);
    expect(await client.type('q').ends()).toBe(0);
  });
}

async function work(client: Conversation, box: MaildirBox): Promise<void> {
  const copyTo = (folder: string) => `${CLEAR_LINE}=${folder}\r`;
  await client.shows('three');
  // SEARCH at the server, and a message that is read and moved.
  await client.type(`l=b "of two"\r${REPAINT}`).shows('Msgs:1/3');
  await client.type('\r').shows('text of two');
  await client.type('s').shows('Save to');
  client.type(copyTo('Archive'));
  await holds(box, 'Archive', ['two S']);
  // One that gets a flag and is copied.
  await client.type(`ilall\r1\rF${REPAINT}`).shows('Flag:1');
  await client.type('C').shows('Copy to');
  client.type(copyTo('Archive'));
  await holds(box, 'Archive', ['one F', 'two S']);
  client.type('$');
  await holds(box, '', ['one F', 'three']);
  // A name that the server completes (LIST), another mailbox, and back.
  await client.type('c').shows('Open mailbox');
  await client.type(`${CLEAR_LINE}=Arc\t`).shows('Archive');
  await client.type(`\r${REPAINT}`).shows('Msgs:2');
  await client.type('c').shows('Open mailbox');
  await client.type(`${CLEAR_LINE}!\r${REPAINT}`).shows('three');
  // The copy of a message that is sent: APPEND.
  await client.type('m').shows('To:');
  await client.type('ann@example.test\r').shows('Subject:');
  await client.type('sent\r').shows('y:Send');
  client.type('y');
  await holds(box, 'Archive', ['one F', 'sent S', 'two S']);
  // It waits, and is told.
  box.deliver(letter('late'));
  await client.shows('late');
  expect(await client.type('q').ends()).toBe(0);
  await holds(box, '', ['late', 'one F', 'three']);
}

async function using(
  client: Conversation,
  action: (client: Conversation) => Promise<void>,
): Promise<void> {
  try {
    await action(client);
  } finally {
    await client.end();
  }
}

function configuration(account: Account, dir: string): string {
  const { port, user, password, encryption, certificate } = account;
  const url = `${encryption === 'TLS' ? 'imaps' : 'imap'}://localhost:${port}`;
  return `set imap_user="${user}"
set imap_pass="${password}"
set folder="${url}/"
set spoolfile="${url}/INBOX"
set record="=Archive"
set postponed="=Drafts"
set certificate_file="${certificate}"
set ssl_starttls=${encryption === 'STARTTLS' ? 'yes' : 'no'}
set ssl_force_tls=${encryption === 'plain' ? 'no' : 'yes'}
set header_cache="${dir}/cache"
set imap_check_subscribed=yes
set imap_idle=yes
set imap_condstore=yes
set imap_qresync=yes
set timeout=1
set mail_check=1
set confirmcreate=no
set confirmappend=no
set delete=yes
set move=no
set quit=yes
set wait_key=no
set sendmail="/bin/true"
set editor="/bin/true"
set abort_unmodified=no
set edit_headers=no
set sleep_time=0
set help=yes
set resolve=no
`;
}
