// alpine, on a terminal: c-client, the other old library of IMAP clients.
//
// What it did is seen in the mailbox and in the lists that it paints. Its lines of status are no proof: a later one may
// take the place of one that was never shown.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Conversation } from '../lib/conversation.ts';
import type { MaildirBox } from '../lib/maildir-box.ts';
import { installed } from '../lib/run.ts';
import { type Account, environment, holds, type ImapClient, letter } from './model.ts';

export const alpine: ImapClient = { there: installed('alpine', 'python3'), session };

/** Paints the whole screen, after a look at the mailbox. */
const REPAINT = '\x0c';
/** While a message is written: its next line, and its end. */
const NEXT = '\x0e';
const SEND = '\x18';

async function session(account: Account, box: MaildirBox, dir: string): Promise<void> {
  const sendmail = join(dir, 'sendmail');
  // It reads all of the message: into a program that ends before, alpine's writing fails now and then.
  writeFileSync(sendmail, '#!/bin/sh\nexec cat >/dev/null\n', { mode: 0o700 });
  writeFileSync(join(dir, 'pinerc'), configuration(account, sendmail), { mode: 0o600 });
  // It must not ask whether the password shall stand on the disk.
  const words = ['-p', join(dir, 'pinerc'), '-nowrite_password_cache', '-i'];
  const env = { ...environment(dir), SSL_CERT_FILE: account.certificate };
  const client = new Conversation('alpine', words, { env, cwd: dir, terminal: true });
  try {
    await client.shows('PASSWORD');
    client.type(`${account.password}\r`);
    await work(client, box);
  } finally {
    await client.end();
  }
}

async function work(client: Conversation, box: MaildirBox): Promise<void> {
  await client.shows(index('INBOX', 'three'));
  // SEARCH at the server; of the index only what it found remains.
  await client.type(';').shows('SELECT criteria');
  await client.type('t').shows('Select based on');
  await client.type('s').shows('SUBJECT to match');
  await client.type('two\r').shows(/ZOOMED.*two/s);
  // It is read, and saved to a folder that is made for it: CREATE, COPY, \Deleted.
  await client.type('\r').shows('text of two');
  await client.type('s').shows('SAVE Msg');
  await client.type('\r').shows('Create');
  client.type('y');
  await holds(box, 'Archive', ['two S']);
  await holds(box, '', ['one', 'three', 'two ST']);
  // Back to the list, where it is expunged, and another message gets a flag.
  await client.type('<').shows('INDEX');
  await client.type('x').shows(index('INBOX', 'three'));
  await holds(box, '', ['one', 'three']);
  await client.type('*').shows('Important');
  client.type('*');
  await holds(box, '', ['one', 'three F']);
  // The copy of a message that is sent: APPEND.
  await client.type('c').shows('COMPOSE MESSAGE');
  client.type(`ann@example.test${NEXT}${NEXT}${NEXT}sent${SEND}`);
  await client.shows('Send message');
  client.type('y');
  await holds(box, 'Archive', ['sent', 'two S']);
  // Whatever it may have to say of the sending waits for a key, or is painted over.
  await client.type(REPAINT).shows(index('INBOX', 'three'));
  // The list of folders, another of them, and back.
  await client.type('l').shows(/FOLDER LIST.*Archive/s);
  await client.type('g').shows('GOTO');
  await client.type('Archive\r').shows(index('Archive', 'sent'));
  await client.type('g').shows('GOTO');
  await client.type('INBOX\r').shows(index('INBOX', 'three'));
  // What arrives is found when it looks.
  box.deliver(letter('late'));
  await client.type(REPAINT).shows('late');
  expect(await client.type('q').ends()).toBe(0);
  await holds(box, '', ['late', 'one', 'three F']);
}

/** The list of a folder's messages, painted down to the one with this subject. */
function index(folder: string, last: string): RegExp {
  return new RegExp(`INDEX +Folder: ${folder} .*${last}`, 's');
}

function configuration({ port, user, encryption }: Account, sendmail: string): string {
  const how = { plain: '/notls', STARTTLS: '/tls', TLS: '/ssl' }[encryption];
  const server = `{localhost:${port}${how}/user=${user}}`;
  return `personal-name=Ben
user-domain=example.test
inbox-path=${server}INBOX
folder-collections=Mail ${server}[]
default-fcc=${server}Archive
default-saved-msg-folder=Archive
postponed-folder=${server}Drafts
read-message-folder=
sendmail-path=${sendmail}
busy-cue-rate=0
feature-list=quit-without-confirm,
  expunge-without-confirm,
  expunge-without-confirm-everywhere,
  disable-password-file-saving,
  enable-aggregate-command-set
last-version-used=9.99
pruning-rule=no-no
`;
}
