// fetchmail: takes the mail of two folders away, and waits by IDLE for more.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Conversation } from '../lib/conversation.ts';
import type { MaildirBox } from '../lib/maildir-box.ts';
import { until } from '../lib/processes.ts';
import { installed } from '../lib/run.ts';
import { type Account, environment, holds, type ImapClient, letter } from './model.ts';

export const fetchmail: ImapClient = { there: installed('fetchmail'), session };

async function session(account: Account, box: MaildirBox, dir: string): Promise<void> {
  const { port, user, password, encryption, certificate } = account;
  const trust = `sslcertck sslcertfile "${certificate}"`;
  const tls = {
    plain: 'sslproto ""',
    STARTTLS: `sslproto "tls1.2+" ${trust}`,
    TLS: `ssl ${trust}`,
  }[encryption];
  const sink = join(dir, 'got');
  const config =
    `poll localhost service ${port} proto imap auth password user "${user}" password "${password}" ` +
    `${tls} idle mda "cat >>${sink}"\n`;
  writeFileSync(join(dir, 'rc'), config, { mode: 0o600 });
  const words = ['-v', '-f', join(dir, 'rc'), '--nosyslog', '--pidfile', join(dir, 'pid')];
  const env = { ...environment(dir), FETCHMAILHOME: dir };
  const client = new Conversation('fetchmail', words, { env, cwd: dir });
  const got = () => (existsSync(sink) ? readFileSync(sink, 'latin1') : '');
  try {
    await client.shows(/> A\d+ IDLE/);
    for (const subject of ['one', 'two', 'three']) expect(got()).toContain(`Subject: ${subject}\n`);
    expect(got()).toMatch(/^\.a line that begins with a dot$/m);
    await holds(box, '', []);
    box.deliver(letter('late'));
    await until('what came meanwhile is fetched', () => got().includes('Subject: late\n'));
    await holds(box, '', []);
  } catch (error) {
    throw new Error(`${(error as Error).message} ${client.shown}`);
  } finally {
    await client.end();
  }
}
