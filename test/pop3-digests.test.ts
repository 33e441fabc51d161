// APOP and CRAM-MD5, from the tool that stores a password in clear on purpose to the login of real clients, through the
// chain of programs and the resident service; and nobody else is affected.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { DOMAIN, OWNER_UID, type Pop3Host, PopClient, startPop3Host } from './lib/pop3-host.ts';
import { tcpserverPort } from './lib/processes.ts';
import { installed, isRoot, type Ran, run } from './lib/run.ts';

describe.runIf(installed('tcpserver', 'curl', 'python3'))(
  'a password in clear (needs tcpserver, curl, python3)',
  () => {
    let host: Pop3Host;
    let chain: ChildProcess;
    let chainPort: number;

    beforeAll(async () => {
      host = await startPop3Host(isRoot ? 'root' : 'private', ['--digests']);
      await tool('vadduser', ['--digests', 'clear'], 'open secret\n');
      const programs = ['qmail-popup', 'pop.test', 'checkvpw', 'qmail-pop3d', 'Maildir'];
      chain = spawn('tcpserver', ['-RHl0', '-1', '127.0.0.1', '0', ...programs], {
        env: {
          PATH: `${DIST}:${process.env.PATH}`,
          QMAILHOME: host.home,
          POP3AUTH: 'LOGIN CRAM-MD5',
        },
        stdio: ['ignore', 'pipe', 'ignore'],
        cwd: '/',
      });
      chainPort = await tcpserverPort(chain);
    });
    afterAll(async () => {
      chain?.kill('SIGKILL');
      await host?.remove();
    });

    /** One of the owner's commands. */
    async function tool(name: string, words: readonly string[], input = ''): Promise<string> {
      const home = join(host.home, 'joe');
      const ran = await run(join(DIST, name), words, {
        input,
        env: { PATH: process.env.PATH, QMAILHOME: host.home, HOME: home, USER: 'joe' },
        cwd: '/',
        ...(isRoot ? { uid: OWNER_UID, gid: OWNER_UID } : {}),
      });
      expect(ran.code, ran.err).toBe(0);
      return ran.out.toString();
    }

    const login = (port: number, user: string, password: string, options: readonly string[]) =>
      run('curl', [
        ...['-sS', '-m', '60', ...options, '-u', `${user}@${DOMAIN}:${password}`],
        `pop3://127.0.0.1:${port}/`,
      ]);
    const apop = ['--login-options', 'AUTH=+APOP'];
    const cram = ['--login-options', 'AUTH=CRAM-MD5'];
    // curl prefers a digest wherever one is offered.
    const plain = ['--login-options', 'AUTH=PLAIN'];
    const poplib = (port: number, user: string, password: string): Promise<Ran> =>
      run('python3', [
        '-c',
        'import poplib, sys; c = poplib.POP3("127.0.0.1", int(sys.argv[1])); c.apop(*sys.argv[2:]); c.quit()',
        ...[String(port), `${user}@${DOMAIN}`, password],
      ]);

    describe.each([
      ['one process each', () => chainPort],
      ['resident', () => host.port],
    ] as const)('%s', (_name, port) => {
      test('opens by APOP, CRAM-MD5 and PLAIN; a hash by PLAIN alone', async () => {
        for (const options of [apop, cram, plain]) {
          const right = await login(port(), 'clear', 'open secret', options);
          expect(right.code, `${options} ${right.err}`).toBe(0);
        }
        expect((await poplib(port(), 'clear', 'open secret')).code).toBe(0);
        const ann = host.users.ann as string;
        expect((await login(port(), 'ann', ann, plain)).code).toBe(0);
        const refused = await Promise.all([
          login(port(), 'clear', 'wrong', cram),
          poplib(port(), 'clear', 'wrong'),
          login(port(), 'ann', ann, cram),
          poplib(port(), 'ann', ann),
        ]);
        for (const { code } of refused) expect(code).not.toBe(0);
      });
    });

    test('a new password keeps or ends it, as the one who changes it says', async () => {
      await tool('vpasswd', ['--digests', 'clear'], 'other secret\n');
      expect((await poplib(host.port, 'clear', 'other secret')).code).toBe(0);
      await tool('vpasswd', ['clear'], 'hashed secret\n');
      expect(await tool('dumpvuser', ['clear'])).toMatch(/^Encrypted-Password: \$(y|6)\$/m);
      expect((await poplib(host.port, 'clear', 'hashed secret')).code).not.toBe(0);
      expect((await login(host.port, 'clear', 'hashed secret', plain)).code).toBe(0);
      await tool('vpasswds', ['--digests'], 'clear by-the-dozen\n');
      expect((await poplib(host.port, 'clear', 'by-the-dozen')).code).toBe(0);
      await tool('vaddusers', ['--digests'], 'another by-the-dozen\n');
      expect((await poplib(host.port, 'another', 'by-the-dozen')).code).toBe(0);
    });

    test('is offered only by a service that was asked to', async () => {
      const offered = await PopClient.open(host.port);
      expect(await offered.finish('CAPA\nQUIT\n')).toMatch(/^SASL .*CRAM-MD5/m);
      const other = await startPop3Host('private');
      try {
        const client = await PopClient.open(other.port);
        expect(await client.finish('CAPA\nQUIT\n')).not.toContain('CRAM-MD5');
      } finally {
        await other.remove();
      }
    });
  },
);
