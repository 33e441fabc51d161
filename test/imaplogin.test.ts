// imaplogin, a checker or Courier's modules, imapd: the chain of one process each, over pipes, under tcpserver and after
// STARTTLS.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority, makeCertificate } from '@q/tls/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImapTalk } from './lib/imap-talk.ts';
import { DIST, openDirectory, removeInstance } from './lib/instance.ts';
import { AS_CHAIN_USER, makeLoginChain } from './lib/login-chain.ts';
import { tcpserverPort } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';
import { DOMAIN, makeVirtualDomain, type VirtualDomain } from './lib/virtual-domain.ts';

const crlf = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
/** Status lines without the list of capabilities. */
const short = (text: string) => text.replace(/\[CAPABILITY [^\]]*\]/g, '[CAPABILITY]');

describe.runIf(installed('python3'))('imaplogin and a checker', () => {
  let dir: string;
  let home: string;
  let checker: string;

  beforeAll(() => {
    ({ dir, home, checker } = makeLoginChain('imaplogin-'));
  });
  afterAll(() => removeInstance(dir, []));

  /** One dialogue over pipes. */
  async function dialogue(
    input: string,
    program: readonly string[] = [join(DIST, 'imapd'), 'Maildir'],
    env: NodeJS.ProcessEnv = {},
  ) {
    const ran = await run(join(DIST, 'imaplogin'), ['imap.test', checker, ...program], {
      input: crlf(input),
      cwd: home,
      env: { PATH: process.env.PATH, QMAILHOME: dir, ...env },
      ...AS_CHAIN_USER,
    });
    return { ...ran, out: short(ran.out.toString('latin1')) };
  }

  test('the right password runs the program, which finds every byte that stood behind it', async () => {
    const shows = ['sh', '-c', 'echo "$IMAPLOGINTAG $IMAPLOGINUSER"; cat'];
    const { code, out } = await dialogue('t1 LOGIN joe secret\nt2 NOOP\nand more', shows);
    expect(out).toBe('* OK [CAPABILITY] IMAP4 server ready\r\nt1 joe\nt2 NOOP\r\nand more');
    expect(code).toBe(0);
  });

  test('imapd answers the login, and everything behind it in order', async () => {
    const { code, out, err } = await dialogue(
      'a LOGIN joe secret\nb SELECT INBOX\nc NOOP\nd LOGOUT\n',
    );
    expect(out.match(/^[a-d] OK.*/gm)).toEqual([
      'a OK [CAPABILITY] Logged in',
      expect.stringMatching(/^b OK \[READ-WRITE\]/),
      'c OK Done',
      'd OK Bye',
    ]);
    expect(code).toBe(0);
    expect(err).toMatch(
      /^imaplogin: Connection, ip=\[unknown\]\nimapd: LOGIN, user=joe, ip=\[unknown\], protocol=IMAP\nimapd: LOGOUT, user=joe, ip=\[unknown\], headers=0, body=0, rcvd=[0-9]+, sent=[0-9]+, time=[0-9]+\n$/,
    );
  });

  test('a wrong password may be tried again, twice; nothing sent meanwhile is lost', async () => {
    const good = await dialogue('a LOGIN joe wrong\nb NOOP\nc LOGIN joe secret\nd LOGOUT\n');
    expect(good.out.match(/^[a-d] [A-Z]+/gm)).toEqual(['a NO', 'b OK', 'c OK', 'd OK']);
    const bad = await dialogue('a LOGIN x 1\nb LOGIN x 2\nc LOGIN x 3\nd LOGIN joe secret\n');
    expect(bad.out.match(/^[*a-d] [A-Z]+/gm)).toEqual(['* OK', 'a NO', 'b NO', 'c NO', '* BYE']);
    expect(bad.code).toBe(1);
    expect(bad.err.match(/LOGIN FAILED, user=x, ip=\[unknown\]/g)).toHaveLength(3);
  });

  test('a checker in trouble, or none, is no wrong password, and the client hears no path', async () => {
    const { code, out } = await dialogue('a LOGIN joe trouble\n');
    expect(out).toMatch(/\r\na NO \[UNAVAILABLE\] [^/]*\r\n\* BYE [^/]*\r\n$/);
    expect(code).toBe(1);
    const none = await run(join(DIST, 'imaplogin'), ['imap.test', '/no/such/checker', 'x'], {
      input: crlf('a LOGIN joe secret\n'),
      ...AS_CHAIN_USER,
    });
    expect(none.out.toString('latin1')).toMatch(/\r\na NO \[UNAVAILABLE\] [^/]*\r\n/);
    expect(none.err).toContain('/no/such/checker');
  });

  test('no password in clear where TLS is wanted', async () => {
    const wanted = { IMAP_TLS_REQUIRED: '1', TCPREMOTEIP: '192.0.2.7' };
    const { out } = await dialogue(
      'a LOGIN joe secret\nb AUTHENTICATE PLAIN\nc LOGOUT\n',
      undefined,
      wanted,
    );
    expect(out.match(/^[a-c] .*/gm)).toEqual([
      expect.stringMatching(/^a NO \[PRIVACYREQUIRED\]/),
      expect.stringMatching(/^b NO \[PRIVACYREQUIRED\]/),
      'c OK Bye',
    ]);
    const wrapped = await dialogue('a LOGIN joe secret\nc LOGOUT\n', undefined, {
      ...wanted,
      IMAP_TLS: '1',
    });
    expect(wrapped.out).toMatch(/^a OK/m);
  });

  test('imapd without anybody before it lets its own user in, and not root', async () => {
    const alone = await run(join(DIST, 'imapd'), ['Maildir'], {
      input: crlf('a SELECT INBOX\nb LOGOUT\n'),
      cwd: home,
      ...AS_CHAIN_USER,
    });
    expect(short(alone.out.toString('latin1'))).toMatch(
      /^\* PREAUTH \[CAPABILITY\] .*\r\n[\s\S]*^a OK[\s\S]*^b OK/m,
    );
    if (!isRoot) return;
    const root = await run(join(DIST, 'imapd'), ['Maildir'], { cwd: home });
    expect([root.code, root.out.toString(), root.err]).toEqual([
      1,
      '',
      'imapd: fatal: will not run as root\n',
    ]);
  });

  test('an account for which IMAP is off is told so', async () => {
    const { out } = await dialogue('a LOGIN joe secret\n', undefined, { OPTIONS: 'disableimap=1' });
    expect(out).toMatch(/\r\na NO \[AUTHORIZATIONFAILED\] .*\r\n\* BYE /);
  });

  describe.runIf(installed('tcpserver', 'openssl'))('under tcpserver', () => {
    let server: ChildProcess;
    let port: number;
    beforeAll(async () => {
      const keys = makeCertificate('mail.test');
      mkdirSync(join(dir, 'control'));
      writeFileSync(join(dir, 'control/servercert.pem'), keys.cert + keys.key);
      const words = ['-1HRl0', '127.0.0.1', '0', join(DIST, 'imaplogin')];
      server = spawn(
        'tcpserver',
        [...words, 'imap.test', checker, join(DIST, 'imapd'), 'Maildir'],
        {
          cwd: home,
          env: { PATH: process.env.PATH, QMAILHOME: dir },
          stdio: ['ignore', 'pipe', 'ignore'],
          ...AS_CHAIN_USER,
        },
      );
      port = await tcpserverPort(server);
    });
    afterAll(() => removeInstance(openDirectory('imaplogin-end-'), [server]));

    test.runIf(installed('curl'))('curl lists the folders, plain and encrypted', async () => {
      for (const tls of [[], ['--ssl-reqd', '-k']]) {
        const url = `imap://127.0.0.1:${port}/`;
        const got = await run('curl', ['-sS', ...tls, '-u', 'joe:secret', url]);
        expect([got.code, got.err, got.out.toString('latin1')]).toEqual([
          0,
          '',
          expect.stringMatching(/^\* LIST \(.*\) "\/" INBOX\r\n/),
        ]);
      }
    });

    test('after STARTTLS a whole session in one packet, and a wrong password', async () => {
      const talk = await ImapTalk.startTls(port, 'x LOGIN joe secret\r\n');
      const got = await talk.finish('a LOGIN joe secret\nb SELECT INBOX\nc LOGOUT\n');
      expect(got.match(/^[a-x] [A-Z]+/gm)).toEqual(['a OK', 'b OK', 'c OK']);
      const wrong = await ImapTalk.startTls(port);
      expect(await wrong.finish('a LOGIN joe wrong\n')).toMatch(
        /^a NO \[AUTHENTICATIONFAILED\] .*\r\n\* BYE .*\r\n$/,
      );
    });

    test('where each client must have a certificate, who has none is sent away, and nobody logs in by one', async () => {
      const authority = makeAuthority();
      writeFileSync(join(dir, 'control/ca'), authority.cert);
      const settings = `TLS_VERIFYPEER=REQUIREPEER\nTLS_TRUSTCERTS=${dir}/control/ca\nTLS_EXTERNAL=CN\n`;
      writeFileSync(join(dir, 'control/imapd'), settings);
      try {
        const none = await ImapTalk.startTls(port);
        expect(await none.finish('a LOGIN joe secret\n')).toBe('');
        const talk = await ImapTalk.startTls(port, '', authority.issue('/CN=joe'));
        expect(await talk.say('a CAPABILITY\n', 'a')).not.toContain('EXTERNAL');
        expect(await talk.say('b AUTHENTICATE EXTERNAL =\n', 'b')).toMatch(/^b NO \[CANNOT\]/);
        expect(await talk.finish('c LOGIN joe secret\nd LOGOUT\n')).toMatch(/^c OK /m);
      } finally {
        rmSync(join(dir, 'control/imapd'));
      }
    });
  });
});

describe('imaplogin at the head of Courier’s chain', () => {
  let domain: VirtualDomain;
  beforeAll(async () => {
    domain = await makeVirtualDomain('imaplogin-chain-');
    expect(await domain.tool('vadduser', ['ann'], 'secret\n')).toMatchObject({ code: 0 });
  });
  afterAll(() => domain.remove());

  /** A module that knows nobody, as the last one before imapd is. */
  const chain = (input: string, words: readonly string[]) =>
    run(join(DIST, 'imaplogin'), words, {
      input: crlf(input),
      cwd: '/',
      env: { ...domain.env, PATH: `${DIST}:${domain.env.PATH}`, QMAILHOME: domain.qmail },
    });

  test('a virtual user gets to his mail, and what he sent behind his login with him', async () => {
    const { out, code, err } = await chain(
      `a LOGIN ann@${DOMAIN} secret\nb SELECT INBOX\nc LOGOUT\n`,
      ['authvmailmgr', join(DIST, 'imapd'), 'Maildir'],
    );
    expect([out.toString('latin1').match(/^[a-c] [A-Z]+/gm), err]).toEqual([
      ['a OK', 'b OK', 'c OK'],
      expect.stringContaining('imapd: LOGOUT, '),
    ]);
    expect(code).toBe(0);
  });

  test('a wrong password comes back to imaplogin, and may be tried again', async () => {
    const { out } = await chain(
      `a LOGIN ann@${DOMAIN} wrong\nb LOGIN ann@${DOMAIN} secret\nc LOGOUT\n`,
      ['authvmailmgr', join(DIST, 'imapd'), 'Maildir'],
    );
    expect(out.toString('latin1').match(/^[*a-c] [A-Z]+/gm)).toEqual(
      expect.arrayContaining(['a NO', 'b OK', 'c OK']),
    );
  });

  test('a module has the bytes that Courier gives it, and the words of the rest of the chain', async () => {
    const shows = [
      '/bin/sh',
      '-c',
      'cat <&3; echo "$0 $AUTHUSER $AUTHARGC $IMAPLOGINTAG"; cat',
      'next',
    ];
    const { out } = await chain('a7 LOGIN "j o" "p\\"w"\nrest', shows);
    expect(out.toString('latin1')).toContain(
      `imap\nlogin\nj o\np"w\nnext ${join(DIST, 'imaplogin')} 5 a7\nrest`,
    );
  });
});
