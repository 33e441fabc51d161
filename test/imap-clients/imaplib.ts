// Python's own imaplib: most of the protocol, each answer checked.

import { join } from 'node:path';
import { expect } from 'vitest';
import { Conversation } from '../lib/conversation.ts';
import type { MaildirBox } from '../lib/maildir-box.ts';
import { installed } from '../lib/run.ts';
import { type Account, environment, holds, type ImapClient, letter } from './model.ts';

export const imaplib: ImapClient = { there: installed('python3'), session };

async function session(account: Account, box: MaildirBox, dir: string): Promise<void> {
  const { port, user, password, encryption, certificate } = account;
  const script = join(import.meta.dirname, 'imaplib-session.py');
  const words = [script, String(port), user, password, encryption, certificate];
  const client = new Conversation('python3', words, { env: environment(dir), cwd: dir });
  try {
    await client.shows('idle');
    box.deliver(letter('late'));
    expect(await client.ends(), client.shown).toBe(0);
  } finally {
    await client.end();
  }
  await holds(box, '', ['late', 'one F', 'three']);
  await holds(box, 'Archive', ['one F', 'two']);
  expect(box.folders()).toEqual(['Archive']);
}
