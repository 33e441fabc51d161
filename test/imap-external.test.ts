// AUTHENTICATE EXTERNAL: a client's certificate opens the mailbox that it names. Real clients: imap-clients/certificate.test.ts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyPair } from '@q/tls';
import { type Authority, makeAuthority, makeCertificate } from '@q/tls/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapTalk } from './lib/imap-talk.ts';
import { DOMAIN, type MailHost, startMailHost } from './lib/mail-host.ts';
import { until } from './lib/processes.ts';
import { installed, isRoot } from './lib/run.ts';
import { openTls } from './lib/tls-client.ts';

const ANN = `ann@${DOMAIN}`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const subjectOf = (name: string) => `/CN=Somebody/emailAddress=${name}`;

describe.runIf(installed('openssl'))('a certificate (needs openssl)', () => {
  let dir: string;
  let ours: Authority;
  let host: MailHost;
  let keys: KeyPair;

  const start = (verify: string, more: NodeJS.ProcessEnv = {}) =>
    startMailHost({
      program: 'imapd',
      mode: isRoot ? 'root' : 'private',
      words: ['--tls-listen', '127.0.0.1:0'],
      keys,
      env: {
        TLS_VERIFYPEER: verify,
        TLS_TRUSTCERTS: join(dir, 'cas'),
        TLS_EXTERNAL: 'emailaddress',
        ...more,
      },
    });

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'imap-external-'));
    ours = makeAuthority();
    keys = makeCertificate('imap.test');
    writeFileSync(join(dir, 'cas'), ours.cert);
    host = await start('PEER');
  });
  afterAll(async () => {
    await host?.remove();
    rmSync(dir, { recursive: true });
  });

  let strangers = 1;

  /**
   * A connection to the TLS port with this certificate, up to the greeting or the end; each from an address of its own, since
   * who has failed waits.
   */
  async function open(pair: KeyPair | undefined, to: MailHost = host) {
    const localAddress = `127.1.${++strangers >> 8}.${strangers & 255}`;
    const talk = new ImapTalk(openTls(to.tlsPort as number, { localAddress, ...pair }));
    return { talk, greeting: await talk.until(/^\* .*\r\n/) };
  }

  test('opens the mailbox it names, and the log names the method', async () => {
    const { talk, greeting } = await open(ours.issue(subjectOf(ANN)));
    expect(greeting).toMatch(/^\* OK \[CAPABILITY .* AUTH=EXTERNAL AUTH=PLAIN /);
    const all = await talk.finish('a AUTHENTICATE EXTERNAL =\nb SELECT INBOX\nz LOGOUT\n');
    expect(all).toMatch(/^a OK .*\r\n[\s\S]*^b OK [\s\S]*^z OK /m);
    await until('the log tells of it', () =>
      /LOGIN, user=ann@virtual\.test, .*protocol=IMAP, starttls=1, method=EXTERNAL\n/.test(
        host.log(),
      ),
    );
  });

  test('does so after STARTTLS, for its own name, asked for in a second step, through another CA', async () => {
    const middle = ours.issueAuthority('/CN=Middle');
    const own = middle.issue(subjectOf('Ann@Virtual.TEST'));
    const talk = await ImapTalk.startTls(host.port, '', { ...own, cert: own.cert + middle.cert });
    talk.send('a AUTHENTICATE external\n');
    await talk.until(/^\+ \r\n/);
    expect(await talk.say(`${base64(ANN)}\n`, 'a')).toMatch(/^a OK /);
    expect(await talk.say('b SELECT INBOX\n', 'b')).toMatch(/^b OK /m);
    talk.destroy();
  });

  test('opens no other mailbox, none it does not name, and none that is not there', async () => {
    const refused = 'a NO [AUTHENTICATIONFAILED] Your certificate does not open this mailbox\r\n';
    const tries = [
      [subjectOf(ANN), base64(`ben@${DOMAIN}`)],
      [`${subjectOf(ANN)}/emailAddress=both@${DOMAIN}`, base64(`both@${DOMAIN}`)],
      ['/CN=Somebody', '='],
      [subjectOf(`nobody@${DOMAIN}`), '='],
    ] as const;
    for (const [subject, response] of tries) {
      const { talk } = await open(ours.issue(subject));
      expect(await talk.say(`a AUTHENTICATE EXTERNAL ${response}\n`, 'a')).toBe(refused);
      // It has other means.
      const login = `b LOGIN ${ANN} "${host.users.ann}"\n`;
      expect(await talk.say(login, 'b')).toMatch(/^b OK /);
      talk.destroy();
    }
    await until('the log tells of it', () => /LOGIN FAILED, user=nobody@/.test(host.log()));
    expect(host.log()).toContain('the certificate names more than one account');
  });

  test('does not open an account that has expired', async () => {
    await host.tool('vadduser', ['old'], 'olds secret\n');
    const certificate = ours.issue(subjectOf(`old@${DOMAIN}`));
    const attempt = async () => {
      const { talk } = await open(certificate);
      const answer = await talk.say('a AUTHENTICATE EXTERNAL =\n', 'a');
      talk.destroy();
      return answer;
    };
    expect(await attempt()).toMatch(/^a OK /);
    await host.tool('vchattr', ['--expiry', '1', 'old'], '');
    expect(await attempt()).toMatch(/^a NO \[AUTHENTICATIONFAILED\]/);
  });

  test('without one EXTERNAL is not offered, and refused; nor is it in clear', async () => {
    const { talk, greeting } = await open(undefined);
    expect(greeting).not.toContain('EXTERNAL');
    const unknown = 'a NO [CANNOT] Unknown mechanism\r\n';
    expect(await talk.say('a AUTHENTICATE EXTERNAL =\n', 'a')).toBe(unknown);
    expect(await talk.say(`b LOGIN ${ANN} "${host.users.ann}"\n`, 'b')).toMatch(/^b OK /);
    talk.destroy();
    const plain = await ImapTalk.open(host.port);
    expect(await plain.say('c CAPABILITY\n', 'c')).not.toContain('EXTERNAL');
    expect(await plain.say('a AUTHENTICATE EXTERNAL =\n', 'a')).toBe(unknown);
    plain.destroy();
  });

  test('that is not good ends the connection, and the log says why', async () => {
    const foreign = makeAuthority('/CN=Elsewhere');
    const namesake = makeAuthority('/CN=Test CA');
    const wrong = [
      [foreign.issue(subjectOf(ANN)), 'its issuer is not trusted'],
      [namesake.issue(subjectOf(ANN)), 'its signature is wrong'],
      [makeAuthority(subjectOf(ANN), 'basicConstraints=CA:TRUE\n'), 'its issuer is not trusted'],
      [ours.issue(subjectOf(ANN), { days: -1 }), 'a certificate has expired'],
      [
        ours.issue(subjectOf(ANN), { extensions: 'extendedKeyUsage=serverAuth\n' }),
        'a certificate is not for clients',
      ],
    ] as const;
    for (const [pair, why] of wrong) {
      const before = host.log().length;
      const { talk, greeting } = await open(pair);
      expect(greeting).toBe('');
      await talk.closed();
      const line = `client certificate refused: ${why}\n`;
      await until(line, () => host.log().slice(before).includes(line));
    }
  });

  test('of a CA that was added is taken from then on', async () => {
    const added = makeAuthority('/CN=Added');
    writeFileSync(join(dir, 'cas'), ours.cert + added.cert);
    const certificate = added.issue(subjectOf(ANN));
    const answer = await until('the new CA is trusted', async () => {
      const { talk, greeting } = await open(certificate);
      const said = greeting && (await talk.say('a AUTHENTICATE EXTERNAL =\n', 'a'));
      talk.destroy();
      return said || undefined;
    });
    expect(answer).toMatch(/^a OK /);
  });

  test('can be asked of everybody, and be no login', async () => {
    const strict = await start('REQUIREPEER', { TLS_EXTERNAL: '' });
    try {
      const none = await open(undefined, strict);
      expect(none.greeting).toBe('');
      await none.talk.closed();
      const { talk, greeting } = await open(ours.issue(subjectOf(ANN)), strict);
      expect(greeting).toMatch(/^\* OK /);
      expect(greeting).not.toContain('EXTERNAL');
      expect(await talk.say(`a LOGIN ${ANN} "${strict.users.ann}"\n`, 'a')).toMatch(/^a OK /);
      talk.destroy();
    } finally {
      await strict.remove();
    }
  });

  test('settings that make no sense keep the service from starting', async () => {
    await expect(start('REQUIREPEER', { TLS_TRUSTCERTS: '' })).rejects.toThrow(
      'needs TLS_TRUSTCERTS',
    );
    await expect(start('PEER', { TLS_TRUSTCERTS: join(dir, 'none') })).rejects.toThrow(
      'unable to use',
    );
  });
});
