// POP3 encrypted: STLS and TLS from the first byte, in the service and in the chain of programs; and real mail
// clients that use it.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { KeyPair } from '@q/tls';
import { makeAuthority, makeCertificate } from '@q/tls/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIST, openDirectory, removeInstance } from './lib/instance.ts';
import { startMailHost } from './lib/mail-host.ts';
import { DOMAIN, type Pop3Host, PopClient, startPop3Host } from './lib/pop3-host.ts';
import { processesOf, tcpserverPort, until } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';
import { openTls, upgradedToTls } from './lib/tls-client.ts';

/** A client that speaks over TLS; `stls`: after STLS on a plain connection. */
class TlsClient extends PopClient {
  declare protected readonly socket: TLSSocket;

  static async direct(port: number, pair?: KeyPair): Promise<TlsClient> {
    const client = new TlsClient(openTls(port, pair));
    await client.until('\r\n');
    return client;
  }

  /** `behind`: what is sent in the same packet as STLS, in clear. */
  static async stls(port: number, behind = ''): Promise<TlsClient> {
    return new TlsClient(await upgradedToTls(port, `STLS\r\n${behind}`, /^\+OK begin TLS\r\n$/));
  }

  get certificate(): string {
    return this.socket.getPeerCertificate().subject.CN as string;
  }
}

const BIG = `Subject: big\n\n${Array.from({ length: 60_000 }, (_, i) => `.${i} ${'y'.repeat(i % 140)}`).join('\n')}\n`;

describe.runIf(installed('openssl'))('the service', () => {
  let host: Pop3Host;
  beforeAll(async () => {
    const words = ['--tls-listen', '127.0.0.1:0'];
    host = await startPop3Host(isRoot ? 'root' : 'private', words, makeCertificate('mail.test'));
  });
  afterAll(() => host.remove());

  const login = () => `USER ann@${DOMAIN}\nPASS ${host.users.ann}\n`;

  test('a whole session in one packet after STLS, from the mail owner’s process', async () => {
    host.put('ann', '1.a.h', 'A: b\n\n.hello\n');
    const client = await TlsClient.stls(host.port);
    expect(await client.finish(`${login()}STAT\nRETR 1\nDELE 1\nQUIT\n`)).toBe(
      '+OK \r\n+OK \r\n+OK 1 13\r\n+OK \r\nA: b\r\n\r\n..hello\r\n\r\n.\r\n+OK \r\n+OK \r\n',
    );
    expect(host.log()).toMatch(/: login ip=127\.0\.0\.1 user="ann@virtual\.test" tls\n/);
  });

  test('what stood behind STLS in clear is never a command', async () => {
    const client = await TlsClient.stls(host.port, `${login().replaceAll('\n', '\r\n')}DELE 1\r\n`);
    expect(await client.finish('STAT\nQUIT\n')).toBe('-ERR authorization first\r\n+OK \r\n');
  });

  test('after STLS there is no STLS, and SASL is there', async () => {
    const client = await TlsClient.stls(host.port);
    const heard = await client.finish('CAPA\nSTLS\nQUIT\n');
    expect(heard).toContain('\r\nSASL PLAIN LOGIN\r\n');
    expect(heard).not.toContain('\r\nSTLS\r\n');
    expect(heard).toContain('-ERR TLS is on already\r\n');
  });

  test('TLS from the first byte: 5 MB byte for byte, many clients at a time', async () => {
    host.put('ben', '2.big.h', BIG);
    const sessions = Array.from({ length: 8 }, async () => {
      const client = await TlsClient.direct(host.tlsPort as number);
      const said = await client.say(
        `USER ben@${DOMAIN}\nPASS ${host.users.ben}\nRETR 1\n`,
        '\r\n.\r\n',
      );
      const expected = BIG.replaceAll('\n.', '\n..').replaceAll('\n', '\r\n');
      expect(said === `+OK \r\n+OK \r\n+OK \r\n${expected}\r\n.\r\n`).toBe(true);
      expect(await client.finish('QUIT\n')).toBe('+OK \r\n');
    });
    await Promise.all(sessions);
  });

  test('who speaks clear text to the TLS port hears nothing of it', async () => {
    const plain = connect(host.tlsPort as number, '127.0.0.1');
    let heard = '';
    let closed = false;
    plain.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    plain.on('error', () => {});
    plain.on('close', () => {
      closed = true;
    });
    plain.write(login().repeat(20));
    await until('the server hangs up', () => closed);
    // An alert of TLS, at most.
    expect(heard).not.toContain('+OK');
  });

  test('a worker that ends takes the encrypted session with it', async () => {
    const client = await TlsClient.direct(host.tlsPort as number);
    await client.say(login(), '+OK \r\n+OK \r\n');
    const workers = processesOf(host.home).filter(({ pid }) =>
      readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes('USER=joe'),
    );
    for (const { pid } of workers) process.kill(pid, 'SIGKILL');
    expect(await client.finish('')).toBe('');
  });

  test('a certificate that was renewed is shown to who comes next, without a restart', async () => {
    const renewed = makeCertificate('renewed.test');
    writeFileSync(join(host.home, 'control/serverkey.pem'), renewed.key);
    writeFileSync(join(host.home, 'control/servercert.pem'), renewed.cert);
    await until('the new certificate is in use', async () => {
      const client = await TlsClient.direct(host.tlsPort as number);
      const name = client.certificate;
      client.destroy();
      return name === 'renewed.test';
    });
    writeFileSync(join(host.home, 'control/servercert.pem'), 'broken');
    await until('what is no certificate is said', () => host.log().includes('unable to use'));
    const client = await TlsClient.direct(host.tlsPort as number);
    expect(client.certificate).toBe('renewed.test');
    client.destroy();
    writeFileSync(join(host.home, 'control/servercert.pem'), renewed.cert);
  });

  const url = () => `pop3://127.0.0.1:${host.port}`;
  const tlsUrl = () => `pop3s://127.0.0.1:${host.tlsPort}`;

  test.runIf(installed('curl')).each([
    ['STLS', () => [`${url()}/1`, '--ssl-reqd']],
    ['TLS', () => [`${tlsUrl()}/1`]],
    ['STLS and AUTH LOGIN', () => [`${url()}/1`, '--ssl-reqd', '--login-options', 'AUTH=LOGIN']],
    ['AUTH PLAIN in clear', () => [`${url()}/1`, '--login-options', 'AUTH=PLAIN', '--sasl-ir']],
  ] as const)('curl reads a message by %s', async (_how, words) => {
    const who = ['-sS', '-k', '-u', `ben@${DOMAIN}:${host.users.ben}`];
    const got = await run('curl', [...who, ...words()]);
    expect(got.err).toBe('');
    expect(got.out.toString('latin1')).toContain('Subject: big\r\n');
  });

  test.runIf(installed('python3'))('python’s poplib reads by STLS and by TLS', async () => {
    const script = [
      'import poplib, ssl, sys',
      'context = ssl.create_default_context(); context.check_hostname = False',
      'context.verify_mode = ssl.CERT_NONE',
      `a = poplib.POP3("127.0.0.1", ${host.port}); a.stls(context)`,
      `b = poplib.POP3_SSL("127.0.0.1", ${host.tlsPort}, context=context)`,
      'for c in (a, b):',
      `    c.utf8(); c.user("ben@${DOMAIN}"); c.pass_(sys.argv[1])`,
      '    print(c.stat()[0], c.capa().get("UIDL"), len(c.retr(1)[1]), c.uidl(1).split()[-1].decode())',
      '    c.quit()',
    ].join('\n');
    const got = await run('python3', ['-c', script, host.users.ben as string]);
    expect(got.err).toBe('');
    expect(got.out.toString()).toBe('1 [] 60003 2.big.h\n'.repeat(2));
  });

  test.runIf(installed('fetchmail'))('fetchmail takes all mail by STLS', async () => {
    host.put('ann', '9.f.h', 'Subject: for fetchmail\n\nhello\n');
    const rc = join(host.home, 'fetchmailrc');
    const sink = join(host.home, 'fetched');
    const config =
      `poll 127.0.0.1 service ${host.port} proto pop3 user "ann@${DOMAIN}" ` +
      `password "${host.users.ann}" sslproto "tls1.2+" no sslcertck mda "cat >>${sink}"\n`;
    writeFileSync(rc, config);
    chmodSync(rc, 0o600);
    const env = { PATH: process.env.PATH, HOME: host.home };
    const fetched = await run('fetchmail', ['-f', rc, '--nosyslog', '-i', `${rc}.ids`], { env });
    expect(`${fetched.code} ${fetched.err}`).toMatch(/^0/);
    expect(readFileSync(sink, 'latin1')).toContain('Subject: for fetchmail');
    expect(host.log()).toMatch(/: login ip=127\.0\.0\.1 user="ann@virtual\.test" tls\n/);
  });

  test.runIf(installed('getmail'))('getmail takes a message once, by TLS', async () => {
    host.put('ann', '10.g.h', 'Subject: for getmail\n\nhello\n');
    const dir = join(host.home, 'getmail');
    const sink = join(dir, 'fetched');
    mkdirSync(dir);
    const config =
      `[retriever]\ntype = SimplePOP3SSLRetriever\nserver = 127.0.0.1\nport = ${host.tlsPort}\n` +
      `username = ann@${DOMAIN}\npassword = ${host.users.ann}\n` +
      `[destination]\ntype = MDA_external\npath = /bin/sh\narguments = ("-c", "cat >>${sink}")\n` +
      'allow_root_commands = true\n[options]\nread_all = false\n';
    writeFileSync(join(dir, 'getmailrc'), config, { mode: 0o600 });
    for (let turn = 0; turn < 2; turn++) {
      const got = await run('getmail', ['--getmaildir', dir], {
        env: { PATH: process.env.PATH, HOME: host.home },
      });
      expect(`${got.code} ${got.err}`).toMatch(/^0/);
    }
    expect(readFileSync(sink, 'latin1').split('Subject: for getmail').length).toBe(2);
  });
});

test.runIf(installed('openssl'))(
  'a certificate opens the mailbox that it names (needs openssl)',
  async () => {
    const authority = makeAuthority();
    const dir = openDirectory('pop3-external-');
    writeFileSync(join(dir, 'ca'), authority.cert);
    const host = await startMailHost({
      program: 'qmail-pop3d',
      mode: isRoot ? 'root' : 'private',
      words: ['--tls-listen', '127.0.0.1:0'],
      keys: makeCertificate('mail.test'),
      env: { TLS_VERIFYPEER: 'PEER', TLS_TRUSTCERTS: join(dir, 'ca'), TLS_EXTERNAL: 'CN' },
    });
    try {
      const pair = authority.issue(`/CN=ann@${DOMAIN}`);
      const client = await TlsClient.direct(host.tlsPort as number, pair);
      const heard = await client.finish('CAPA\nAUTH EXTERNAL =\nSTAT\nQUIT\n');
      expect(heard).toContain('\r\nSASL EXTERNAL PLAIN LOGIN\r\n');
      expect(heard).toMatch(/\r\n\.\r\n\+OK \r\n\+OK 0 0\r\n\+OK \r\n$/);
      await until('the log tells of it', () =>
        host.log().includes(`"ann@${DOMAIN}" tls external\n`),
      );
      const other = await TlsClient.direct(host.tlsPort as number);
      expect(await other.finish('AUTH EXTERNAL =\nQUIT\n')).toMatch(/^-ERR no such mechanism\r\n/);
    } finally {
      await host.remove();
      await removeInstance(dir, []);
    }
  },
);

describe.runIf(installed('openssl'))('with TLS required', () => {
  let host: Pop3Host;
  afterAll(() => host.remove());

  test('loopback may still log in in clear, and --tls-listen alone is a service too', async () => {
    const words = ['--require-tls', '--tls-listen', '127.0.0.1:0'];
    host = await startPop3Host('private', words, makeCertificate('mail.test'));
    const client = await TlsClient.stls(host.port);
    expect(await client.finish(`USER ann@${DOMAIN}\nPASS ${host.users.ann}\nQUIT\n`)).toBe(
      '+OK \r\n+OK \r\n+OK \r\n',
    );
  });
});

test('--tls-listen without a certificate is a reason not to start', async () => {
  const started = startPop3Host('private', ['--tls-listen', '127.0.0.1:0']);
  await expect(started).rejects.toThrow('--tls-listen needs a certificate');
});

describe.runIf(installed('openssl', 'tcpserver', 'python3'))('qmail-popup under tcpserver', () => {
  let dir: string;
  let server: ChildProcess;
  let port: number;
  beforeAll(async () => {
    dir = openDirectory('popup-tls-');
    const { cert, key } = makeCertificate('mail.test');
    mkdirSync(join(dir, 'control'));
    writeFileSync(join(dir, 'control/servercert.pem'), cert + key);
    const checker = join(dir, 'checker');
    writeFileSync(
      checker,
      '#!/bin/sh\n[ "$(tr "\\0" "\\n" <&3 | sed -n 2p)" = secret ] || exit 1\nexec "$@"\n',
    );
    chmodSync(checker, 0o755);
    const words = ['-RHl0', '-1', '127.0.0.1', '0', join(DIST, 'qmail-popup'), 'pop.test', checker];
    server = spawn('tcpserver', [...words, 'sh', '-c', 'echo "+OK $POP3_TLS"; cat'], {
      env: { ...process.env, QMAILHOME: dir },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    port = await tcpserverPort(server);
  });
  afterAll(() => removeInstance(dir, [server]));

  test('STLS: the subprogram speaks with the client in both directions', async () => {
    const client = await TlsClient.stls(port, 'USER joe\r\nPASS secret\r\n');
    expect(
      await client.say('CAPA\nUSER joe\nPASS secret\nin the same packet\n', 'packet\r\n'),
    ).toMatch(/^\+OK capability[\s\S]*\r\n\.\r\n\+OK \r\n\+OK 1\nin the same packet\r\n$/);
    expect(await client.say('and later\n', 'later\r\n')).toBe('and later\r\n');
    client.destroy();
  });

  test('STLS: a wrong password is told', async () => {
    const client = await TlsClient.stls(port);
    expect(await client.finish('USER joe\nPASS wrong\n')).toBe(
      '+OK \r\n-ERR [AUTH] authorization failed\r\n',
    );
  });
});
