// Real mail clients that log in by a certificate and no password: AUTHENTICATE EXTERNAL on connections that begin with TLS, and
// after STARTTLS.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Authority, makeAuthority, makeCertificate } from '@q/tls/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Conversation } from '../lib/conversation.ts';
import { openDirectory, removeInstance } from '../lib/instance.ts';
import { DOMAIN, type MailHost, OWNER_UID, startMailHost } from '../lib/mail-host.ts';
import { MaildirBox } from '../lib/maildir-box.ts';
import { until } from '../lib/processes.ts';
import { installed, isRoot, run } from '../lib/run.ts';
import { environment, letter } from './model.ts';

const ANN = `ann@${DOMAIN}`;
const WAYS = ['STARTTLS', 'TLS'] as const;
type Way = (typeof WAYS)[number];

describe.runIf(installed('openssl'))('a certificate is enough for (needs openssl)', () => {
  let top: string;
  let host: MailHost;
  let number = 0;
  /** Of the client that is tried, an empty directory. */
  let dir: string;

  /** PEM files: the server's certificate, the client's, its key, and both in one. */
  const file = (name: 'server' | 'cert' | 'key' | 'pair') => join(top, name);
  const portOf = (way: Way) => (way === 'TLS' ? (host.tlsPort as number) : host.port);
  const urlOf = (way: Way) => `${way === 'TLS' ? 'imaps' : 'imap'}://localhost:${portOf(way)}`;

  beforeAll(async () => {
    top = openDirectory('imap-certificate-');
    const ours: Authority = makeAuthority();
    const keys = makeCertificate('localhost');
    const pair = ours.issue(`/CN=Ann/emailAddress=${ANN}`);
    writeFileSync(join(top, 'cas'), ours.cert);
    writeFileSync(file('server'), keys.cert);
    writeFileSync(file('cert'), pair.cert);
    writeFileSync(file('key'), pair.key, { mode: 0o600 });
    writeFileSync(file('pair'), pair.cert + pair.key, { mode: 0o600 });
    host = await startMailHost({
      program: 'imapd',
      mode: isRoot ? 'root' : 'private',
      words: ['--tls-listen', '127.0.0.1:0'],
      keys,
      env: {
        TLS_VERIFYPEER: 'PEER',
        TLS_TRUSTCERTS: join(top, 'cas'),
        TLS_EXTERNAL: 'emailaddress',
      },
    });
    new MaildirBox(host.maildir('ann'), OWNER_UID).deliver(letter('hello'));
  });
  afterAll(async () => {
    await host?.remove();
    await removeInstance(top, []);
  });
  beforeEach(() => {
    dir = join(top, String(++number));
    mkdirSync(dir, { mode: 0o700 });
  });

  /** Has `session` log in, and waits until the log tells how. */
  async function byCertificate(session: () => Promise<void>): Promise<void> {
    const before = host.log().length;
    await session();
    await until('the log names the method', () =>
      new RegExp(`LOGIN, user=${ANN}, .*method=EXTERNAL\n`).test(host.log().slice(before)),
    );
  }

  /** Runs a client to its end; gives what it said. */
  async function succeed(program: string, words: readonly string[], input = ''): Promise<string> {
    const ran = await run(program, words, { env: environment(dir), cwd: dir, input });
    expect(`${ran.code} ${ran.err}`, ran.out.toString('latin1')).toBe('0 ');
    return ran.out.toString('latin1');
  }

  test.each(WAYS)('openssl s_client, %s', (way) =>
    byCertificate(async () => {
      const start = way === 'TLS' ? [] : ['-starttls', 'imap'];
      const pair = ['-cert', file('cert'), '-key', file('key'), '-CAfile', file('server')];
      const words = ['s_client', '-quiet', '-verify_return_error', ...start, ...pair];
      const to = ['-connect', `127.0.0.1:${portOf(way)}`];
      const client = new Conversation('openssl', [...words, ...to], {
        env: environment(dir),
        cwd: dir,
      });
      try {
        // With -quiet it says when it is connected on the error output, and after STARTTLS there is no greeting.
        await client.shows('verify return:1');
        await client.type('a AUTHENTICATE EXTERNAL =\r\n').shows(/^a OK /m);
        await client.type('b SELECT INBOX\r\n').shows(/^\* 1 EXISTS\r\n[\s\S]*^b OK /m);
        await client.type('z LOGOUT\r\n').shows(/^z OK /m);
        expect(await client.ends()).toBe(0);
      } finally {
        await client.end();
      }
    }),
  );

  test.runIf(installed('curl')).each(WAYS)('curl, %s (needs curl)', (way) =>
    byCertificate(async () => {
      const login = ['--login-options', 'AUTH=EXTERNAL', '--user', `${ANN}:`];
      const pair = ['--cacert', file('server'), '--cert', file('cert'), '--key', file('key')];
      const words = ['-sS', '--ssl-reqd', ...login, ...pair, `${urlOf(way)}/INBOX;MAILINDEX=1`];
      expect(await succeed('curl', words)).toContain('Subject: hello');
    }),
  );

  test.runIf(installed('python3')).each(WAYS)('Python’s imaplib, %s (needs python3)', (way) =>
    byCertificate(async () => {
      const script = `
import imaplib, ssl, sys
way, port, server, pair = sys.argv[1:]
context = ssl.create_default_context(cafile=server)
context.load_cert_chain(pair)
if way == 'TLS':
    imap = imaplib.IMAP4_SSL('localhost', int(port), ssl_context=context)
else:
    imap = imaplib.IMAP4('localhost', int(port))
    imap.starttls(ssl_context=context)
imap.authenticate('EXTERNAL', lambda challenge: b'')
print(imap.select('INBOX'), imap.logout()[0])
`;
      const words = ['-c', script, way, String(portOf(way)), file('server'), file('pair')];
      expect(await succeed('python3', words)).toBe("('OK', [b'1']) BYE\n");
    }),
  );

  test.runIf(installed('mbsync')).each(WAYS)('mbsync, %s (needs isync)', (way) =>
    byCertificate(async () => {
      mkdirSync(join(dir, 'mail'));
      const rc = `IMAPAccount server
Host localhost
Port ${portOf(way)}
User ${ANN}
Pass none
AuthMechs EXTERNAL
SSLType ${way === 'TLS' ? 'IMAPS' : 'STARTTLS'}
CertificateFile ${file('server')}
ClientCertificate ${file('cert')}
ClientKey ${file('key')}

IMAPStore far
Account server

MaildirStore near
Inbox ${join(dir, 'mail/INBOX')}

Channel inbox
Far :far:
Near :near:
Create Near
SyncState *
`;
      writeFileSync(join(dir, 'rc'), rc);
      await succeed('mbsync', ['-c', join(dir, 'rc'), '-a']);
      const [fetched] = new MaildirBox(join(dir, 'mail/INBOX'), OWNER_UID).messages();
      expect(fetched).toMatch(/^hello/);
    }),
  );

  // Debian's neomutt knows no mechanism of that name.
  test.runIf(installed('mutt', 'python3')).each(WAYS)('mutt, %s (needs mutt, python3)', (way) =>
    byCertificate(async () => {
      const rc = `set imap_user="${ANN}"
set folder="${urlOf(way)}/"
set spoolfile="${urlOf(way)}/INBOX"
set imap_authenticators="external"
set ssl_client_cert="${file('pair')}"
set certificate_file="${file('server')}"
set ssl_starttls=yes
set ssl_force_tls=yes
set quit=yes
set sleep_time=0
`;
      writeFileSync(join(dir, 'rc'), rc);
      const client = new Conversation('mutt', ['-n', '-F', join(dir, 'rc')], {
        env: environment(dir),
        cwd: dir,
        terminal: true,
      });
      try {
        await client.shows('Msgs:1');
        expect(await client.type('q').ends()).toBe(0);
      } finally {
        await client.end();
      }
    }),
  );
});
