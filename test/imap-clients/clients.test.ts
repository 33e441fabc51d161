// Real mail clients, each in a whole session by each way into the IMAP server: one process a connection under tcpserver,
// and resident; in clear and encrypted.
//
// QMAILTS_IMAP_JUDGE=dovecot runs the same sessions with Debian's Dovecot.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '@q/tls/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { openDirectory, removeInstance } from '../lib/instance.ts';
import { installed } from '../lib/run.ts';
import { alpine } from './alpine.ts';
import { curl } from './curl.ts';
import { fetchmail } from './fetchmail.ts';
import { imapflow } from './imapflow.ts';
import { imaplib } from './imaplib.ts';
import { mbsync } from './mbsync.ts';
import { type ImapClient, MESSAGES } from './model.ts';
import { mutt, neomutt } from './mutt.ts';
import { offlineimap } from './offlineimap.ts';
import { openJudge, openOurs, type Site, type Way } from './sites.ts';

const CLIENTS: Readonly<Record<string, ImapClient>> = {
  alpine,
  curl,
  fetchmail,
  imapflow,
  imaplib,
  mbsync,
  mutt,
  neomutt,
  offlineimap,
};
const WAYS =
  process.env.QMAILTS_IMAP_JUDGE === undefined
    ? ['one process each, plain', 'one process each, STARTTLS', 'resident, plain', 'resident, TLS']
    : ['Dovecot, plain', 'Dovecot, STARTTLS', 'Dovecot, TLS'];

/** A mailbox for each client and way: they are all used at once. */
const userOf = (client: string, way: string) => `${client}${WAYS.indexOf(way)}`;

describe.runIf(installed('tcpserver', 'openssl', 'python3'))(
  'a whole session (needs tcpserver, openssl)',
  () => {
    let site: Site;
    let top: string;
    beforeAll(async () => {
      top = openDirectory('imap-clients-');
      const keys = makeCertificate('localhost');
      writeFileSync(join(top, 'certificate.pem'), keys.cert);
      const users = Object.keys(CLIENTS).flatMap((name) => WAYS.map((way) => userOf(name, way)));
      const open = process.env.QMAILTS_IMAP_JUDGE === undefined ? openOurs : openJudge;
      site = await open(users, keys);
    });
    afterAll(async () => {
      await site?.close();
      await removeInstance(top, []);
    });

    for (const [client, { there, session }] of Object.entries(CLIENTS))
      test.runIf(there).concurrent.each(WAYS)(`${client}: %s`, async (way) => {
        const user = userOf(client, way);
        const box = site.box(user);
        for (const message of MESSAGES) box.deliver(Buffer.from(message, 'utf8'));
        const dir = join(top, user);
        mkdirSync(dir, { mode: 0o700 });
        const { port, encryption } = site.ways[way] as Way;
        const certificate = join(top, 'certificate.pem');
        const login = { user: site.login(user), password: site.password };
        await session({ port, encryption, certificate, ...login }, box, dir).catch(
          (error: unknown) => {
            const told = error instanceof Error ? error.stack : error;
            throw new Error(`${told}\nthe server: ${site.log()}`);
          },
        );
      });
  },
);
