// imapflow, the library of Nodemailer's author: uses whatever extensions it finds.

import { readFileSync } from 'node:fs';
import { ImapFlow } from 'imapflow';
import { expect } from 'vitest';
import type { MaildirBox } from '../lib/maildir-box.ts';
import { type Account, holds, type ImapClient, letter } from './model.ts';

export const imapflow: ImapClient = { there: true, session };

async function session(account: Account, box: MaildirBox): Promise<void> {
  const { port, user, password, encryption, certificate } = account;
  const client = new ImapFlow({
    host: 'localhost',
    port,
    secure: encryption === 'TLS',
    ...(encryption === 'TLS' ? {} : { doSTARTTLS: encryption === 'STARTTLS' }),
    auth: { user, pass: password },
    tls: { ca: readFileSync(certificate, 'latin1') },
    logger: false,
    qresync: true,
  });
  let heard = '';
  client.on('error', (error: Error) => {
    heard += error.message;
  });
  try {
    await client.connect();
    await names(client);
    await messages(client, box);
    await waiting(client, box);
    expect(heard).toBe('');
    await client.logout();
  } finally {
    client.close();
  }
}

async function names(client: ImapFlow): Promise<void> {
  await client.mailboxCreate('Archive');
  await client.mailboxCreate(['Entwürfe']);
  await client.mailboxRename(['Entwürfe'], 'Übrig');
  await client.mailboxSubscribe('Archive');
  const listed = await client.list({
    statusQuery: { messages: true, unseen: true, uidNext: true },
  });
  expect(listed.map(({ path, status }) => `${path} ${status?.messages}`).sort()).toEqual([
    'Archive 0',
    'INBOX 3',
    'Übrig 0',
  ]);
  expect(listed.find(({ path }) => path === 'Archive')?.subscribed).toBe(true);
  await client.mailboxDelete('Übrig');
  expect(await client.status('INBOX', { messages: true, uidNext: true })).toMatchObject({
    messages: 3,
  });
}

async function messages(client: ImapFlow, box: MaildirBox): Promise<void> {
  const lock = await client.getMailboxLock('INBOX');
  try {
    expect(client.mailbox).toMatchObject({ exists: 3 });
    const [one] = await searched(client, { subject: 'one' });
    const [two] = await searched(client, { body: 'of two' });
    const [three] = await searched(client, { header: { 'message-id': '<three@example.test>' } });
    const seen: string[] = [];
    for await (const message of client.fetch(
      '1:*',
      {
        uid: true,
        flags: true,
        envelope: true,
        bodyStructure: true,
        internalDate: true,
        size: true,
      },
      {},
    ))
      seen.push(`${message.envelope?.subject} ${message.bodyStructure?.type}`);
    expect(seen.sort()).toEqual(['one text/plain', 'three multipart/mixed', 'two text/plain']);
    const whole = await client.fetchOne(String(one), { source: true }, { uid: true });
    const source = whole ? whole.source?.toString('latin1') : undefined;
    expect(source).toMatch(/^Date: .*\r\n\.a line.*\r\n$/s);
    const attachment = await client.download(String(three), '2', { uid: true });
    expect(attachment.meta?.contentType).toBe('application/octet-stream');
    const parts: Buffer[] = [];
    for await (const part of attachment.content ?? []) parts.push(part as Buffer);
    expect(Buffer.concat(parts)).toEqual(Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    expect(await client.messageFlagsAdd(String(one), ['\\Flagged', '$Work'], { uid: true })).toBe(
      true,
    );
    expect(await searched(client, { keyword: '$Work' })).toEqual([one]);
    const added = await client.append('INBOX', 'Subject: appended\r\n\r\nby imapflow\r\n', [
      '\\Seen',
    ]);
    const appended = added ? added.uid : undefined;
    expect(await searched(client, { uid: `${appended}`, seen: true })).toEqual([appended]);
    const copied = await client.messageCopy(String(one), 'Archive', { uid: true });
    expect(copied).toMatchObject({ uidMap: { size: 1 } });
    const moved = await client.messageMove(String(two), 'Archive', { uid: true });
    expect(moved).toMatchObject({ uidMap: { size: 1 } });
    expect(await client.messageDelete(String(appended), { uid: true })).toBe(true);
    await holds(box, '', ['one F', 'three']);
    await holds(box, 'Archive', ['one F', 'two']);
  } finally {
    lock.release();
  }
}

/** A message that comes while the client waits, and flags that another program changes meanwhile. */
async function waiting(client: ImapFlow, box: MaildirBox): Promise<void> {
  const lock = await client.getMailboxLock('INBOX');
  try {
    const arrived = new Promise<number>((resolve) => {
      client.once('exists', ({ count }: { count: number }) => resolve(count));
    });
    const idle = client.idle();
    box.deliver(letter('late'));
    expect(await arrived).toBe(3);
    await client.noop();
    await idle;
    expect(await searched(client, { subject: 'late' })).toHaveLength(1);
  } finally {
    lock.release();
  }
}

async function searched(client: ImapFlow, query: object): Promise<number[]> {
  return (await client.search(query, { uid: true })) || [];
}
