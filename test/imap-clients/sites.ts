// Where the clients find a server: our programs in two forms, or a judge, which tells whether the server or the
// session is wrong.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyPair } from '@q/tls';
import { Dovecot } from '../lib/dovecot.ts';
import { DIST, openDirectory, removeInstance } from '../lib/instance.ts';
import { DOMAIN, OWNER_UID, startMailHost } from '../lib/mail-host.ts';
import { MaildirBox } from '../lib/maildir-box.ts';
import { tcpserverPort } from '../lib/processes.ts';
import { isRoot } from '../lib/run.ts';
import type { Encryption } from './model.ts';

export interface Way {
  readonly name: string;
  readonly encryption: Encryption;
  readonly port: number;
}

export interface Site {
  readonly ways: Readonly<Record<string, Way>>;
  login(user: string): string;
  readonly password: string;
  box(user: string): MaildirBox;
  log(): string;
  close(): Promise<void>;
}

const PASSWORD = 'it-is,secret';

/** imaplogin, checkvpw and imapd under tcpserver, and imapd --listen, for virtual users. */
export async function openOurs(users: readonly string[], keys: KeyPair): Promise<Site> {
  const mode = isRoot ? 'root' : 'private';
  const words = ['--tls-listen', '127.0.0.1:0', '--max-per-ip', '100', 'Maildir'];
  const host = await startMailHost({ program: 'imapd', mode, words, keys });
  await host.tool('vaddusers', [], users.map((user) => `${user} ${PASSWORD}\n`).join(''));
  const programs = ['imaplogin', 'imap.test', 'checkvpw', 'imapd', 'Maildir'];
  const chain: ChildProcess = spawn('tcpserver', ['-RHl0', '-1', '127.0.0.1', '0', ...programs], {
    env: { PATH: `${DIST}:${process.env.PATH}`, QMAILHOME: host.home },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  });
  let log = '';
  chain.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString('latin1');
  });
  const chainPort = await tcpserverPort(chain);
  const ways: readonly Way[] = [
    { name: 'one process each', encryption: 'plain', port: chainPort },
    { name: 'one process each', encryption: 'STARTTLS', port: chainPort },
    { name: 'resident', encryption: 'plain', port: host.port },
    { name: 'resident', encryption: 'TLS', port: host.tlsPort as number },
  ];
  return {
    ways: byName(ways),
    login: (user) => `${user}@${DOMAIN}`,
    password: PASSWORD,
    box: (user) => new MaildirBox(host.maildir(user), OWNER_UID),
    log: () => host.log() + log,
    close: async () => {
      chain.kill('SIGKILL');
      await host.remove();
    },
  };
}

export async function openJudge(users: readonly string[], keys: KeyPair): Promise<Site> {
  const top = openDirectory('imap-judge-');
  const home = join(top, 'home');
  mkdirSync(home);
  const maildir = (user: string) => join(home, user);
  for (const user of users) new MaildirBox(maildir(user), OWNER_UID).make();
  const accounts = users.map((name) => ({
    name: `${name}@${DOMAIN}`,
    password: PASSWORD,
    uid: OWNER_UID,
    home,
    maildir: maildir(name),
  }));
  const dovecot = await Dovecot.start(top, accounts, keys);
  const ways: readonly Way[] = [
    { name: 'Dovecot', encryption: 'plain', port: dovecot.port },
    { name: 'Dovecot', encryption: 'STARTTLS', port: dovecot.port },
    { name: 'Dovecot', encryption: 'TLS', port: dovecot.tlsPort },
  ];
  return {
    ways: byName(ways),
    login: (user) => `${user}@${DOMAIN}`,
    password: PASSWORD,
    box: (user) => new MaildirBox(maildir(user), OWNER_UID),
    log: () => dovecot.log,
    close: async () => {
      await dovecot.stop();
      await removeInstance(top, []);
    },
  };
}

function byName(ways: readonly Way[]): Record<string, Way> {
  return Object.fromEntries(ways.map((way) => [`${way.name}, ${way.encryption}`, way]));
}
