// qmail-pop3d --listen with real processes: a login process without rights, a parent, a worker per uid.

import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOMAIN, OWNER_UID, type Pop3Host, PopClient, startPop3Host } from './lib/pop3-host.ts';
import { killQuietly, processesOf, until } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';

describe('in a private instance', () => {
  let host: Pop3Host;
  beforeAll(async () => {
    host = await startPop3Host('private', ['--max-per-ip', '6']);
  });
  afterAll(() => host.remove());

  const login = (user = 'ann') => `USER ${user}@${DOMAIN}\nPASS ${host.users[user]}\n`;

  test('login and a whole session in one packet: not a byte is lost between the processes', async () => {
    host.put('ann', '1.a.h', 'A: b\n\n.hello\n');
    const client = await PopClient.open(host.port);
    expect(await client.finish(`${login()}STAT\nRETR 1\nDELE 1\nQUIT\n`)).toBe(
      '+OK \r\n+OK \r\n+OK 1 13\r\n+OK \r\nA: b\r\n\r\n..hello\r\n\r\n.\r\n+OK \r\n+OK \r\n',
    );
    expect(readdirSync(join(host.maildir('ann'), 'new'))).toEqual([]);
  });

  test('all forms of a login name lead to the mailbox', async () => {
    for (const name of [
      `ben@${DOMAIN}`,
      `ben:${DOMAIN}`,
      'joe-ben',
      `BEN@${DOMAIN.toUpperCase()}`,
    ]) {
      const client = await PopClient.open(host.port);
      expect(await client.finish(`USER ${name}\nPASS ${host.users.ben}\nQUIT\n`)).toBe(
        '+OK \r\n+OK \r\n+OK \r\n',
      );
    }
  });

  test('a wrong password may be tried twice more, ever more slowly; the right one is never delayed', async () => {
    const client = await PopClient.open(host.port);
    const times: number[] = [];
    for (const user of ['ann', 'nobody.there', 'ann']) {
      const start = Date.now();
      expect(await client.say(`USER ${user}@${DOMAIN}\n`)).toBe('+OK \r\n');
      expect(await client.say('PASS wrong\n')).toBe('-ERR [AUTH] authorization failed\r\n');
      times.push(Date.now() - start);
    }
    expect(times[0]).toBeGreaterThanOrEqual(990);
    expect(times[1]).toBeGreaterThanOrEqual(1990);
    expect(times[2]).toBeGreaterThanOrEqual(3990);
    await client.closed();
    // Eight seconds is the next delay.
    const guesser = await PopClient.open(host.port);
    expect(await guesser.say(`USER ann@${DOMAIN}\n`)).toBe('+OK \r\n');
    let answered = false;
    const answer = guesser.say('PASS wrong\n').finally(() => {
      answered = true;
    });
    const other = await PopClient.open(host.port);
    expect(await other.finish(`${login()}QUIT\n`)).toBe('+OK \r\n+OK \r\n+OK \r\n');
    expect(answered).toBe(false);
    guesser.destroy();
    await answer;
  });

  test('before login there is nothing but login', async () => {
    const client = await PopClient.open(host.port);
    expect(await client.finish('STAT\nPASS x\nUSER\nCAPA\nSTLS\nQUIT\n')).toMatch(
      /^-ERR authorization first\r\n-ERR USER first\r\n-ERR syntax error\r\n\+OK .*\r\nUSER\r\nSASL PLAIN LOGIN\r\n(.+\r\n)+\.\r\n-ERR TLS is not available\r\n\+OK \r\n$/,
    );
  });

  test('the log tells who came, who failed, and cannot be forged', async () => {
    const client = await PopClient.open(host.port);
    await client.say('USER x" login ip=1.2.3.4\x1b[2J\\\nPASS wrong\n');
    await until('the failure is logged', () =>
      host
        .log()
        .includes('LOGIN FAILED, ip=[127.0.0.1], user="x\\x22 login ip=1.2.3.4\\x1b[2J\\x5c"\n'),
    );
    client.destroy();
    expect(host.log()).toMatch(/login ip=127\.0\.0\.1 user="ann@virtual\.test"\n/);
    expect(host.log()).toMatch(
      /logout ip=127\.0\.0\.1 user="ann@virtual\.test" retrieved=1 bytes=22 deleted=1\n/,
    );
    expect(host.log()).not.toContain('secret');
  });

  test('sessions that were handed over still count: an address gets so many and no more', async () => {
    const clients: PopClient[] = [];
    for (let i = 0; i < 6; i++) {
      const client = await PopClient.open(host.port);
      await client.say(login(), '+OK \r\n+OK \r\n');
      clients.push(client);
    }
    const refused = await PopClient.open(host.port);
    await refused.closed();
    expect(await clients[0]?.finish('QUIT\n')).toBe('+OK \r\n');
    await until('the place is free again', async () => {
      const next = await PopClient.open(host.port);
      const reply = await next.say('NOOP\n');
      next.destroy();
      return reply.endsWith('+OK \r\n');
    });
    for (const client of clients) client.destroy();
  });

  test('a worker that dies takes its sessions with it, and the next login gets a new one', async () => {
    const client = await PopClient.open(host.port);
    await client.say(login(), '+OK \r\n+OK \r\n');
    const before = processesOf(host.home).filter(({ pid }) =>
      environmentOf(pid).includes('USER=joe'),
    );
    expect(before).toHaveLength(1);
    for (const { pid } of before) killQuietly(pid, 'SIGKILL');
    await client.closed();
    const again = await PopClient.open(host.port);
    expect(await again.finish(`${login()}QUIT\n`)).toBe('+OK \r\n+OK \r\n+OK \r\n');
  });

  test('VMailMgr’s login hook runs as the owner of the mail, and its failure is no wrong password', async () => {
    const hooks = join(host.home, 'etc/vmailmgr');
    const said = join(host.home, 'joe/hook-was-here');
    const refuse = join(host.home, 'joe/refuse');
    mkdirSync(hooks, { recursive: true });
    const hook = join(hooks, 'checkvpw-postsetuid');
    writeFileSync(
      hook,
      '#!/bin/sh\n[ ! -e refuse ] && echo "$USER $VUSER $MAILDIR" >hook-was-here\n',
    );
    chmodSync(hook, 0o755);
    const client = await PopClient.open(host.port);
    expect(await client.finish(`${login()}QUIT\n`)).toBe('+OK \r\n+OK \r\n+OK \r\n');
    expect(readFileSync(said, 'latin1')).toBe('joe ann ./users/ann\n');
    expect(statSync(said).uid).toBe(OWNER_UID);
    writeFileSync(refuse, '');
    const other = await PopClient.open(host.port);
    expect(await other.finish(`${login()}QUIT\n`)).toMatch(
      /^\+OK \r\n-ERR \[SYS\/TEMP\] .*\r\n\+OK \r\n$/,
    );
    rmSync(hook);
  });

  test.runIf(installed('curl'))('curl reads a message', async () => {
    host.put('ben', '1.c.h', 'Subject: for curl\n\nhello\n');
    const url = `pop3://127.0.0.1:${host.port}/1`;
    const got = await run('curl', ['-s', '-u', `ben@${DOMAIN}:${host.users.ben}`, url]);
    expect(got.out.toString('latin1')).toContain('Subject: for curl\r\n\r\nhello\r\n');
  });

  test.runIf(installed('python3'))('python’s poplib reads 5 MB byte for byte', async () => {
    const lines = Array.from(
      { length: 70_000 },
      (_, i) => `${'.'.repeat(i % 3)}${i} ${'y'.repeat(i % 140)}`,
    );
    host.put('ben', '2.big.h', `Subject: big\n\n${lines.join('\n')}\n`);
    const script = [
      'import poplib, sys',
      `c = poplib.POP3("127.0.0.1", ${host.port})`,
      `c.user("ben@${DOMAIN}"); c.pass_(sys.argv[1])`,
      'n = c.stat()[0]',
      'sys.stdout.buffer.write(b"\\n".join(c.retr(n)[1])); c.quit()',
    ].join('\n');
    const got = await run('python3', ['-c', script, host.users.ben as string]);
    expect(got.err).toBe('');
    // The last line is the empty one that qmail-pop3d adds.
    expect(got.out.toString('latin1') === `Subject: big\n\n${lines.join('\n')}\n`).toBe(true);
  });

  test.runIf(installed('fetchmail'))('fetchmail takes all mail and leaves none', async () => {
    const dir = host.maildir('ann');
    host.put('ann', '9.f.h', 'Subject: for fetchmail\n\nhello\n');
    const rc = join(host.home, 'fetchmailrc');
    const sink = join(host.home, 'fetched');
    const config =
      `poll 127.0.0.1 service ${host.port} proto pop3 user "ann@${DOMAIN}" ` +
      `password "${host.users.ann}" sslproto "" mda "cat >>${sink}"\n`;
    writeFileSync(rc, config);
    chmodSync(rc, 0o600);
    const env = { PATH: process.env.PATH, HOME: host.home };
    const fetched = await run('fetchmail', ['-f', rc, '--nosyslog', '-i', `${rc}.ids`], { env });
    expect(`${fetched.code} ${fetched.err}`).toMatch(/^0/);
    expect(readFileSync(sink, 'latin1')).toContain('Subject: for fetchmail');
    expect([...readdirSync(join(dir, 'new')), ...readdirSync(join(dir, 'cur'))]).toEqual([]);
  });
});

test('after SIGTERM idle sessions end, and every process with them', async () => {
  const host = await startPop3Host('private');
  try {
    const client = await PopClient.open(host.port);
    await client.say(`USER ann@${DOMAIN}\nPASS ${host.users.ann}\n`, '+OK \r\n+OK \r\n');
    const waiting = await PopClient.open(host.port);
    host.service.kill('SIGTERM');
    await Promise.all([client.closed(), waiting.closed()]);
    await until('all processes are gone', () => processesOf(host.home).length === 0);
    await until('its exit is seen', () => host.service.exitCode !== null);
    expect(host.service.exitCode).toBe(0);
  } finally {
    await host.remove();
  }
});

test('when the parent is killed nothing new begins, a running session goes on, and then all is gone', async () => {
  const host = await startPop3Host('private');
  try {
    const client = await PopClient.open(host.port);
    await client.say(`USER ann@${DOMAIN}\nPASS ${host.users.ann}\n`, '+OK \r\n+OK \r\n');
    host.service.kill('SIGKILL');
    await until('the login process is gone', () => processesOf(host.home).length === 1);
    expect(await client.finish('NOOP\nQUIT\n')).toBe('+OK \r\n+OK \r\n');
    await until('all processes are gone', () => processesOf(host.home).length === 0);
  } finally {
    await host.remove();
  }
});

test('an address that cannot be had is one line and exit code 111', async () => {
  const host = await startPop3Host('private');
  try {
    const again = startPop3Host('private', ['--listen', `127.0.0.1:${host.port}`]);
    await expect(again).rejects.toThrow(
      /ended with exit code 111: [\s\S]*unable to listen on 127\.0\.0\.1:[0-9]+: address already in use\n/,
    );
  } finally {
    await host.remove();
  }
});

describe.runIf(isRoot)('as root runs it (needs root)', () => {
  let host: Pop3Host;
  beforeAll(async () => {
    host = await startPop3Host('root');
  });
  afterAll(() => host.remove());

  test('only the parent is root: who parses strangers has no rights, who reads mail is the mail’s owner', async () => {
    host.put('ann', '1.a.h', 'A: b\n\nhello\n');
    const client = await PopClient.open(host.port);
    const replies = await client.say(
      `USER ann@${DOMAIN}\nPASS ${host.users.ann}\nRETR 1\n`,
      '\r\n.\r\n',
    );
    expect(replies).toContain('hello');
    const uids = processesOf(host.home)
      .map(({ pid }) => statusOf(pid))
      .sort((a, b) => a.uid - b.uid);
    const nobody = Number((await run('id', ['-u', 'nobody'])).out.toString());
    expect(uids.map(({ uid }) => uid)).toEqual([0, OWNER_UID, nobody]);
    expect(uids.map(({ capabilities }) => capabilities !== '0000000000000000')).toEqual([
      true,
      false,
      false,
    ]);
    client.destroy();
  });

  test('root itself has no mailbox here', async () => {
    const client = await PopClient.open(host.port);
    expect(await client.finish('USER root\nPASS x\nQUIT\n')).toBe(
      '+OK \r\n-ERR [AUTH] authorization failed\r\n+OK \r\n',
    );
  });
});

function environmentOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
}

function statusOf(pid: number): { uid: number; capabilities: string } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    uid: Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]),
    capabilities: /^CapEff:\s+([0-9a-f]+)/m.exec(status)?.[1] ?? '',
  };
}
