// SCRAM-SHA-256 from the tool that stores a password in clear on purpose to a mailbox that is open: the client's side is
// written here anew, by RFC 5802, and shares nothing with the server's.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapTalk } from './lib/imap-talk.ts';
import { DOMAIN, type MailHost, startMailHost } from './lib/mail-host.ts';
import { until } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';

/** Cyrus SASL, which mbsync logs in with, has its mechanisms in modules. */
const hasScram =
  installed('mbsync') &&
  readdirSync('/usr/lib').some((dir) => existsSync(`/usr/lib/${dir}/sasl2/libscram.so`));

const base64 = (data: string | Buffer) => Buffer.from(data).toString('base64');
const ofBase64 = (text: string) => Buffer.from(text, 'base64');
const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

const FIRST_BARE = (user: string) =>
  `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=abcd`;

/** The client's last message, and the server's last one as it must be. */
function finalOf(user: string, password: string, serverFirst: string) {
  const [, nonce = '', salt = '', rounds = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst) ?? [];
  const salted = pbkdf2Sync(
    password.normalize('NFKC'),
    ofBase64(salt),
    Number(rounds),
    32,
    'sha256',
  );
  const clientKey = hmac(salted, 'Client Key');
  const bare = `c=biws,r=${nonce}`;
  const message = `${FIRST_BARE(user)},${serverFirst},${bare}`;
  const signature = hmac(createHash('sha256').update(clientKey).digest(), message);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] as number)));
  return {
    final: `${bare},p=${base64(proof)}`,
    answer: `v=${base64(hmac(hmac(salted, 'Server Key'), message))}`,
  };
}

describe('SCRAM-SHA-256', () => {
  let host: MailHost;
  const clear = `clear@${DOMAIN}`;
  const secret = 'öpen, = secret';

  beforeAll(async () => {
    const mode = isRoot ? 'root' : 'private';
    host = await startMailHost({ program: 'imapd', mode, words: ['--digests'] });
    await host.tool('vadduser', ['--digests', 'clear'], `${secret}\n`);
  });
  afterAll(() => host?.remove());

  const challenge = async (talk: ImapTalk) =>
    ofBase64((await talk.until(/^\+ .*\r\n/)).slice(2)).toString();

  /** Up to the client's last message; what the server has to answer. */
  async function prove(talk: ImapTalk, tag: string, user: string, password: string) {
    talk.send(`${tag} AUTHENTICATE SCRAM-SHA-256 ${base64(`n,,${FIRST_BARE(user)}`)}\n`);
    const serverFirst = await challenge(talk);
    const { final, answer } = finalOf(user, password, serverFirst);
    talk.send(`${base64(final)}\n`);
    return { answer, serverFirst };
  }

  test('opens the mailbox after both have proved themselves, and what is sent behind it is not lost', async () => {
    const talk = await ImapTalk.open(host.port);
    expect(await talk.say('c CAPABILITY\n', 'c')).toContain(' AUTH=SCRAM-SHA-256 ');
    const { answer } = await prove(talk, 'a', clear, secret);
    expect(await challenge(talk)).toBe(answer);
    expect(await talk.say('\nb SELECT INBOX\nz LOGOUT\n', 'z')).toMatch(
      /^a OK .*\r\n[\s\S]*^b OK /m,
    );
    await until('the log tells of it', () => host.log().includes(`LOGIN, user=${clear}`));
  });

  test('without a first response it asks for one', async () => {
    const talk = await ImapTalk.open(host.port);
    talk.send('a AUTHENTICATE scram-sha-256\n');
    expect(await challenge(talk)).toBe('');
    talk.send(`${base64(`n,,${FIRST_BARE(clear)}`)}\n`);
    const { final, answer } = finalOf(clear, secret, await challenge(talk));
    talk.send(`${base64(final)}\n`);
    expect(await challenge(talk)).toBe(answer);
    expect(await talk.say('\nz LOGOUT\n', 'z')).toMatch(/^a OK /);
  });

  test('a wrong password, a password that is stored as a hash, and nobody are refused in the same words', async () => {
    const ann = `ann@${DOMAIN}`;
    const tries = [
      [clear, 'wrong'],
      [ann, host.users.ann as string],
      [`nobody@${DOMAIN}`, secret],
    ] as const;
    for (const [index, [user, password]] of tries.entries()) {
      // From addresses of their own: who guesses waits.
      const talk = await ImapTalk.open(host.port, `127.0.0.${index + 2}`);
      const { serverFirst } = await prove(talk, 'a', user, password);
      expect(serverFirst).toMatch(/^r=abcd\S+,s=[A-Za-z0-9+/]{22}==,i=10000$/);
      expect(await talk.until(/^.*\r\n/)).toBe(
        'a NO [AUTHENTICATIONFAILED] Wrong name or password\r\n',
      );
      talk.destroy();
    }
  });

  test('a client that does not take the server’s proof is not logged in, and may log in by other means', async () => {
    for (const word of ['*', 'eA==', '=']) {
      const talk = await ImapTalk.open(host.port);
      await prove(talk, 'a', clear, secret);
      await challenge(talk);
      expect(await talk.say(`${word}\n`, 'a')).toMatch(/^a BAD /);
      expect(await talk.say('b SELECT INBOX\n', 'b')).toBe('b BAD Log in first\r\n');
      const login = `c LOGIN ann@${DOMAIN} "${host.users.ann}"\n`;
      expect(await talk.say(login, 'c')).toMatch(/^c OK /);
      talk.destroy();
    }
  });

  test('a client that leaves without an answer to the server’s proof does not disturb the next one', async () => {
    const talk = await ImapTalk.open(host.port);
    await prove(talk, 'a', clear, secret);
    await challenge(talk);
    talk.destroy();
    const next = await ImapTalk.open(host.port);
    const { answer } = await prove(next, 'a', clear, secret);
    expect(await challenge(next)).toBe(answer);
    expect(await next.say('\nz LOGOUT\n', 'z')).toMatch(/^a OK /);
  });

  test.runIf(hasScram)(
    'mbsync opens the mailbox by it (needs mbsync, libsasl2-modules)',
    async () => {
      await host.tool('vadduser', ['--digests', 'fetched'], 'open secret\n');
      host.put('fetched', '1.x.y', 'Subject: hello\n\nbody\n');
      const dir = mkdtempSync(join(tmpdir(), 'imap-scram-'));
      try {
        mkdirSync(join(dir, 'mail'));
        const account = `IMAPAccount a\nHost 127.0.0.1\nPort ${host.port}\nUser fetched@${DOMAIN}\nPass "open secret"
SSLType None\nAuthMechs SCRAM-SHA-256\n\nIMAPStore far\nAccount a\n\n`;
        const near = `MaildirStore near\nPath ${dir}/mail/\nInbox ${dir}/mail/INBOX\nSubFolders Verbatim\n\n`;
        const channel =
          'Channel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n';
        writeFileSync(join(dir, 'rc'), account + near + channel);
        const env = { PATH: process.env.PATH, HOME: dir };
        const ran = await run('mbsync', ['-c', join(dir, 'rc'), 'c'], { env, cwd: dir });
        expect(ran.code, ran.err).toBe(0);
        expect(readdirSync(join(dir, 'mail/INBOX/new'))).toHaveLength(1);
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
  );

  test('is offered only by a service that was asked to', async () => {
    const other = await startMailHost({ program: 'imapd', mode: 'private' });
    try {
      const talk = await ImapTalk.open(other.port);
      expect(await talk.say('c CAPABILITY\n', 'c')).not.toContain('SCRAM');
      expect(await talk.say('a AUTHENTICATE SCRAM-SHA-256 biws\n', 'a')).toMatch(
        /^a NO \[CANNOT\]/,
      );
      talk.destroy();
    } finally {
      await other.remove();
    }
  });
});
