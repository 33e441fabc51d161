// qmail-popup, a checker, qmail-pop3d: the chain of one process each, over pipes and under tcpserver.
// What qmail-popup says by itself is in dialogues/popup.

import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIST, removeInstance } from './lib/instance.ts';
import { AS_CHAIN_USER, CHAIN_UID, makeLoginChain } from './lib/login-chain.ts';
import { PopClient } from './lib/pop3-host.ts';
import { tcpserverPort } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';

const lines = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');

describe.runIf(installed('python3'))('qmail-popup and what it runs', () => {
  let dir: string;
  let home: string;
  let maildir: string;
  let checker: string;

  beforeAll(() => {
    ({ dir, home, maildir, checker } = makeLoginChain('pop3-chain-'));
  });
  afterAll(() => removeInstance(dir, []));

  function put(name: string, content: string): void {
    const path = join(maildir, 'new', name);
    writeFileSync(path, content, 'latin1');
    if (isRoot) chownSync(path, CHAIN_UID, CHAIN_UID);
  }

  /** One dialogue over pipes; the greeting's stamp is replaced by <STAMP>. */
  async function dialogue(
    input: string,
    program: readonly string[] = ['sh', '-c', 'echo in; cat'],
  ) {
    const ran = await run(join(DIST, 'qmail-popup'), ['pop.test', checker, ...program], {
      input: lines(input),
      ...AS_CHAIN_USER,
    });
    const out = ran.out.toString('latin1').replace(/<[0-9]+\.[0-9]+@pop\.test>/, '<STAMP>');
    return { ...ran, out };
  }

  test('the right password runs the program, which finds every byte that stood behind PASS', async () => {
    const { code, out } = await dialogue('USER joe\nPASS secret\nSTAT\nand more');
    expect(out).toBe('+OK <STAMP>\r\n+OK \r\nin\nSTAT\r\nand more');
    expect(code).toBe(0);
  });

  test('one attempt, and then the end', async () => {
    const { code, out, err } = await dialogue('USER joe\nPASS wrong\nUSER joe\nPASS secret\n');
    expect(out).toBe('+OK <STAMP>\r\n+OK \r\n-ERR [AUTH] authorization failed\r\n');
    expect(code).toBe(1);
    expect(err).toBe('qmail-popup: LOGIN FAILED, ip=[unknown], user="joe"\n');
  });

  test('a checker that is not there is said to the log, and the client hears no path', async () => {
    const ran = await run(join(DIST, 'qmail-popup'), ['pop.test', '/no/such/checker', 'x'], {
      input: lines('USER joe\nPASS secret\n'),
    });
    expect(ran.out.toString('latin1')).toMatch(/-ERR unable to fork\r\n$/);
    expect(ran.err).toContain('unable to start /no/such/checker');
    expect(ran.code).toBe(1);
  });

  test('qmail-pop3d serves a maildir relative to where it is started, and exits 0 whatever the client does', async () => {
    put('1.a.h', 'A: b\n\n.hello\n');
    const options = { cwd: home, ...AS_CHAIN_USER };
    const ran = await run(join(DIST, 'qmail-pop3d'), ['Maildir'], {
      ...options,
      input: lines('STAT\nRETR 1\nDELE 1\nQUIT\n'),
    });
    expect(ran.out.toString('latin1')).toBe(
      '+OK \r\n+OK 1 13\r\n+OK \r\nA: b\r\n\r\n..hello\r\n\r\n.\r\n+OK \r\n+OK \r\n',
    );
    expect(readdirSync(join(maildir, 'new'))).toEqual([]);
    const missing = await run(join(DIST, 'qmail-pop3d'), ['Nowhere'], options);
    expect(missing.out.toString('latin1')).toBe('-ERR this user has no $HOME/Maildir\r\n');
    expect([ran.code, missing.code]).toEqual([0, 0]);
  });

  test.runIf(isRoot)('qmail-pop3d does not serve as root (needs root)', async () => {
    const ran = await run(join(DIST, 'qmail-pop3d'), ['Maildir'], { cwd: home });
    expect(ran).toMatchObject({ code: 1, err: 'qmail-pop3d: fatal: will not run as root\n' });
    expect(ran.out).toHaveLength(0);
  });

  describe.runIf(installed('tcpserver'))('under tcpserver', () => {
    let server: ChildProcess;
    let port: number;

    beforeAll(async () => {
      const words = [
        '-RHl0',
        '-1',
        '127.0.0.1',
        '0',
        join(DIST, 'qmail-popup'),
        'pop.test',
        checker,
      ];
      server = spawn('tcpserver', [...words, join(DIST, 'qmail-pop3d'), 'Maildir'], {
        cwd: home,
        stdio: ['ignore', 'pipe', 'inherit'],
        ...AS_CHAIN_USER,
      });
      port = await tcpserverPort(server);
    });
    afterAll(() => {
      server.kill();
    });

    test('login and session in one packet lose nothing on the way through three processes', async () => {
      put('2.a.h', 'A: b\n\nhello\n');
      const client = await PopClient.open(port);
      expect(await client.finish('USER joe\nPASS secret\nSTAT\nRETR 1\nDELE 1\nQUIT\n')).toBe(
        '+OK \r\n+OK \r\n+OK 1 12\r\n+OK \r\nA: b\r\n\r\nhello\r\n\r\n.\r\n+OK \r\n+OK \r\n',
      );
    });

    test.runIf(installed('curl'))('curl logs in by APOP and reads', async () => {
      put('3.a.h', 'Subject: for curl\n\nhello\n');
      const got = await run('curl', [
        '-sS',
        '--login-options',
        'AUTH=+APOP',
        '-u',
        'joe:secret',
        `pop3://127.0.0.1:${port}/1`,
      ]);
      expect(got.err).toBe('');
      expect(got.out.toString('latin1')).toContain('Subject: for curl\r\n\r\nhello\r\n');
    });

    test('python’s poplib reads 5 MB byte for byte, by APOP', async () => {
      const body = Array.from(
        { length: 70_000 },
        (_, i) => `${'.'.repeat(i % 3)}${i} ${'y'.repeat(i % 140)}`,
      );
      put('4.a.h', `Subject: big\n\n${body.join('\n')}\n`);
      const script = [
        'import poplib, sys',
        `c = poplib.POP3("127.0.0.1", ${port}); c.apop("joe", "secret")`,
        'n = c.stat()[0]',
        'sys.stdout.buffer.write(b"\\n".join(c.retr(n)[1])); c.dele(n); c.quit()',
      ].join('\n');
      const got = await run('python3', ['-c', script]);
      expect(got.err).toBe('');
      // The last line is the empty one that qmail-pop3d adds.
      expect(got.out.toString('latin1') === `Subject: big\n\n${body.join('\n')}\n`).toBe(true);
      expect(readdirSync(join(maildir, 'cur'))).toEqual(['3.a.h:2,']);
    });
  });
});
