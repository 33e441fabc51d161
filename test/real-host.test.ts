// A real host: qmail's users, tcpserver and inetd, daemontools, and mail clients that we did not write.
// Needs root and Debian's ucspi-tcp, openbsd-inetd, daemontools, swaks, fetchmail and mutt.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { steadyPort } from './lib/instance.ts';
import { killQuietly, processesOf, until } from './lib/processes.ts';
import {
  LOCAL_DOMAIN,
  makeRealHost,
  ownedDirectory,
  type RealHost,
  VIRTUAL_DOMAIN,
} from './lib/real-host.ts';
import { installed, isRoot, run } from './lib/run.ts';

const ready =
  isRoot &&
  installed(
    'tcpserver',
    'inetd',
    'supervise',
    'multilog',
    'swaks',
    'curl',
    'fetchmail',
    'mutt',
    'ps',
  );

describe.runIf(ready)(
  'a real host (needs root, ucspi-tcp, openbsd-inetd, daemontools, swaks, fetchmail, mutt)',
  () => {
    let host: RealHost;
    const children: ChildProcess[] = [];
    let smtpPort = 0;
    let pop3Port = 0;
    let inetdSmtpPort = 0;
    let inetdPop3Port = 0;

    beforeAll(async () => {
      host = await makeRealHost();
      const { home, env, top } = host;
      // qmail-start as a daemontools service, its log through multilog as qmaill.
      const service = join(top, 'service');
      mkdirSync(service);
      ownedDirectory(join(top, 'log'), { uid: host.uidOf('qmaill'), gid: host.gidOf('nofiles') });
      const script = `#!/bin/sh\nexec env - PATH="${env.PATH}" QMAILHOME="${home}" qmail-start ./Maildir/ multilog t ${top}/log 2>&1\n`;
      writeFileSync(join(service, 'run'), script);
      chmodSync(join(service, 'run'), 0o755);
      children.push(spawn('supervise', [service], { env, stdio: 'ignore' }));
      smtpPort = await steadyPort();
      pop3Port = await steadyPort();
      inetdSmtpPort = await steadyPort();
      inetdPop3Port = await steadyPort();
      const qmaild = [`-u${host.uidOf('qmaild')}`, `-g${host.gidOf('nofiles')}`];
      tcpserver([...qmaild, '127.0.0.1', String(smtpPort), 'qmail-smtpd']);
      tcpserver([
        '127.0.0.1',
        String(pop3Port),
        'qmail-popup',
        LOCAL_DOMAIN,
        'checkvpw',
        'qmail-pop3d',
        'Maildir',
      ]);
      const conf = join(top, 'inetd.conf');
      const bin = join(home, 'bin');
      writeFileSync(
        conf,
        `127.0.0.1:${inetdSmtpPort} stream tcp nowait qmaild ${bin}/qmail-smtpd qmail-smtpd\n` +
          `127.0.0.1:${inetdPop3Port} stream tcp nowait root ${bin}/qmail-popup qmail-popup ${LOCAL_DOMAIN} ${bin}/checkvpw ${bin}/qmail-pop3d Maildir\n`,
      );
      // openbsd-inetd clears the environment of its services unless told to keep its own (-E).
      children.push(spawn('/usr/sbin/inetd', ['-i', '-E', conf], { env, stdio: 'ignore' }));
      for (const port of [smtpPort, pop3Port, inetdSmtpPort, inetdPop3Port])
        await until(`port ${port} greets`, () => greeting(port));
      await until('qmail-send runs', () =>
        processesOf(home).some((process) => process.name === 'qmail-send'),
      );

      function tcpserver(words: string[]): void {
        children.push(spawn('tcpserver', ['-R', '-H', '-l0', ...words], { env, stdio: 'ignore' }));
      }
    });

    afterAll(async () => {
      for (const child of children) if (child.pid !== undefined) killQuietly(child.pid, 'SIGKILL');
      await host?.remove();
    });

    test('each process runs as its qmail user', async () => {
      const smtp = connect(smtpPort, '127.0.0.1');
      const pop3 = connect(pop3Port, '127.0.0.1');
      await Promise.all([firstData(smtp), firstData(pop3)]);
      pop3.write(`USER ${host.joe.name}\r\nPASS ${host.joe.password}\r\n`);
      await until('the mailbox is open', () =>
        processesOf(host.home).some((process) => process.name === 'qmail-pop3d'),
      );
      const { out } = await run('ps', [
        '-o',
        'user:20=,args=',
        '-p',
        processesOf(host.home)
          .map((p) => p.pid)
          .join(),
      ]);
      const users = new Map(
        out
          .toString('latin1')
          .split('\n')
          .flatMap((line) => {
            const match = line.match(/^(\S+)\s.*?\/bin\/([a-z0-9-]+)/);
            return match === null ? [] : [[match[2] as string, match[1] as string] as const];
          }),
      );
      smtp.destroy();
      pop3.destroy();
      expect(Object.fromEntries(users)).toMatchObject({
        'qmail-send': 'qmails',
        'qmail-lspawn': 'root',
        'qmail-rspawn': 'qmailr',
        'qmail-clean': 'qmailq',
        'qmail-queue': 'qmailq',
        'qmail-smtpd': 'qmaild',
        'qmail-pop3d': host.joe.name,
      });
      const loggers = await run('ps', ['-C', 'multilog', '-o', 'user=']);
      expect(loggers.out.toString('latin1')).toContain('qmaill');
    });

    const ways = [
      ['tcpserver', () => smtpPort, () => pop3Port],
      ['inetd', () => inetdSmtpPort, () => inetdPop3Port],
    ] as const;

    for (const [way, smtp, pop3] of ways) {
      test(`a system user and a virtual user receive by swaks and read by fetchmail, under ${way}`, async () => {
        const people = [
          {
            to: `${host.joe.name}@${LOCAL_DOMAIN}`,
            login: host.joe.name,
            password: host.joe.password,
          },
          {
            to: `ann@${VIRTUAL_DOMAIN}`,
            login: `ann@${VIRTUAL_DOMAIN}`,
            password: host.virtual.ann as string,
          },
        ];
        for (const { to, login, password } of people) {
          const mark = `by ${way} for ${to}`;
          const sent = await run('swaks', [
            '--server',
            `127.0.0.1:${smtp()}`,
            '--from',
            'sender@elsewhere.test',
            '--to',
            to,
            '--h-Subject',
            mark,
            '--body',
            'hello',
            '--silent',
            '2',
          ]);
          expect(sent.code, sent.out.toString('latin1') + sent.err).toBe(0);
          await until(`${mark} is in the mailbox`, async () => {
            const { out } = await popTalk(
              [`USER ${login}`, `PASS ${password}`, 'TOP 1 0', 'QUIT'],
              pop3(),
            );
            return out.includes(`Subject: ${mark}\r\n`);
          });
          expect(await fetch(login, password, pop3())).toContain(`Subject: ${mark}\n`);
        }
      });
    }

    test('all the forms of a virtual login reach the same mailbox', async () => {
      const password = host.virtual.ben as string;
      await send(`ben@${VIRTUAL_DOMAIN}`, 'for every form');
      for (const login of [
        `ben@${VIRTUAL_DOMAIN}`,
        `BEN@${VIRTUAL_DOMAIN.toUpperCase()}`,
        `ben:${VIRTUAL_DOMAIN}`,
        `${host.owner.name}-ben`,
      ]) {
        await until(`${login} sees the message`, async () => {
          const { out } = await popTalk([`USER ${login}`, `PASS ${password}`, 'STAT', 'QUIT']);
          return /^\+OK 1 \d+$/m.test(out);
        });
      }
    });

    test('a wrong password, an unknown user and the wrong domain are refused alike, and the next login works', async () => {
      for (const login of [
        `ann@${VIRTUAL_DOMAIN}`,
        `nobody@${VIRTUAL_DOMAIN}`,
        `ann@${LOCAL_DOMAIN}`,
        'root',
        host.joe.name,
      ]) {
        const { out } = await popTalk([`USER ${login}`, 'PASS wrong', 'STAT']);
        expect(out, login).toMatch(/-ERR \[AUTH\] authorization failed\r\n$/);
      }
      const { out } = await popTalk([`USER ${host.joe.name}`, `PASS ${host.joe.password}`, 'QUIT']);
      expect(out.endsWith('+OK \r\n')).toBe(true);
    });

    test('commands pipelined after PASS are answered by qmail-pop3d: the exec chain loses no byte', async () => {
      const { out } = await popTalk(
        [`USER ${host.joe.name}`, `PASS ${host.joe.password}`, 'NOOP', 'STAT', 'QUIT'],
        pop3Port,
        true,
      );
      expect(out.match(/^\+OK/gm)?.length).toBe(6);
    });

    test('mutt reads a mailbox over POP3 and a Maildir on disk', async () => {
      await send(`ann@${VIRTUAL_DOMAIN}`, 'for mutt');
      const saved = join(host.top, 'saved-by-mutt');
      const rc = join(host.top, 'muttrc');
      writeFileSync(
        rc,
        `set pop_user="ann@${VIRTUAL_DOMAIN}"\nset pop_pass="${host.virtual.ann}"\nset pop_authenticators="user"\nset pop_delete=no\nset ssl_force_tls=no\n` +
          'set mbox_type=mbox\nset confirmappend=no\nset confirmcreate=no\nset delete=no\nset quit=yes\nset wait_key=no\nset save_empty=yes\n',
      );
      const rounds = [`pop://127.0.0.1:${pop3Port}`, join(host.joe.home, 'Maildir')];
      await send(`${host.joe.name}@${LOCAL_DOMAIN}`, 'for mutt');
      for (const [n, folder] of rounds.entries()) {
        await until(`mutt copies from ${folder}`, async () => {
          const push = `push "<tag-pattern>~s mutt<enter><tag-prefix><copy-message>${saved}${n}<enter><quit>"`;
          const command = `mutt -n -F ${rc} -f ${folder} -e '${push}'`;
          await run('script', ['-qec', command, '/dev/null'], {
            env: { ...host.env, HOME: host.top, TERM: 'xterm' },
            seconds: 60,
          });
          return textOf(`${saved}${n}`)?.includes('Subject: for mutt');
        });
      }
    });

    test('mail for an unknown user bounces to its sender', async () => {
      const before = newIn(join(host.joe.home, 'Maildir'));
      const sent = await run('swaks', [
        '--server',
        `127.0.0.1:${smtpPort}`,
        '--from',
        `${host.joe.name}@${LOCAL_DOMAIN}`,
        '--to',
        `no-such-user@${LOCAL_DOMAIN}`,
        '--silent',
        '2',
      ]);
      expect(sent.code).toBe(0);
      const bounce = await until('the bounce arrives', () =>
        newIn(join(host.joe.home, 'Maildir'))
          .filter((text) => !before.includes(text))
          .find((text) => text.includes('failure notice')),
      );
      expect(bounce).toContain(`Hi. This is the qmail-send program at ${LOCAL_DOMAIN}.`);
      expect(bounce).toContain(
        `<no-such-user@${LOCAL_DOMAIN}>:\nSorry, no mailbox here by that name. (#5.1.1)\n`,
      );
      expect(bounce).toMatch(/\(qmail \d+ invoked for bounce\)/);
      const unknownVirtual = await run('swaks', [
        '--server',
        `127.0.0.1:${smtpPort}`,
        '--from',
        `${host.joe.name}@${LOCAL_DOMAIN}`,
        '--to',
        `nobody@${VIRTUAL_DOMAIN}`,
        '--silent',
        '2',
      ]);
      expect(unknownVirtual.code).toBe(0);
      await until('the bounce for the virtual user arrives', () =>
        newIn(join(host.joe.home, 'Maildir')).some((text) =>
          text.includes("Invalid or unknown virtual user 'nobody'"),
        ),
      );
    });

    test("the log has qmail's lines, with the caller's uid", async () => {
      const log = readFileSync(join(host.top, 'log/current'), 'latin1').replace(/^@\w+ /gm, '');
      expect(log).toMatch(/^status: local 0\/10 remote 0\/20$/m);
      const uid = host.uidOf('qmaild');
      expect(log).toMatch(
        new RegExp(
          `^info msg \\d+: bytes \\d+ from <sender@elsewhere\\.test> qp \\d+ uid ${uid}$`,
          'm',
        ),
      );
      expect(log).toMatch(/^starting delivery \d+: msg \d+ to local qtowner-ann@virtual\.test$/m);
      expect(log).toMatch(/^delivery \d+: success: did_0\+0\+1\/$/m);
      expect(log).toMatch(/^bounce msg \d+ qp \d+$/m);
      expect(log).toMatch(/^end msg \d+$/m);
    });

    /** Puts one message in by SMTP. */
    async function send(to: string, subject: string): Promise<void> {
      const sent = await run('swaks', [
        '--server',
        `127.0.0.1:${smtpPort}`,
        '--from',
        'sender@elsewhere.test',
        '--to',
        to,
        '--h-Subject',
        subject,
        '--silent',
        '2',
      ]);
      expect(sent.code, sent.err).toBe(0);
    }

    /** All mail of an account, fetched and removed by fetchmail; its MDA appends to a file. */
    async function fetch(login: string, password: string, port: number): Promise<string> {
      const dir = join(host.top, `fetch-${login}-${port}`);
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const rc = join(dir, 'rc');
      const got = join(dir, 'got');
      writeFileSync(
        rc,
        `poll 127.0.0.1 service ${port} proto pop3 user "${login}" password "${password}" mda "cat >>${got}"\n`,
        { mode: 0o600 },
      );
      const ran = await run(
        'fetchmail',
        [
          '-f',
          rc,
          '--nosyslog',
          '--nodetach',
          '--pidfile',
          join(dir, 'pid'),
          '-i',
          join(dir, 'ids'),
          '--auth',
          'password',
          '--sslproto',
          '',
        ],
        {
          env: { ...host.env, HOME: dir, FETCHMAILHOME: dir },
        },
      );
      expect(ran.code, ran.out.toString('latin1') + ran.err).toBe(0);
      return textOf(got) ?? '';
    }

    /** Speaks POP3: all at once, or each command after the reply to the one before. */
    function popTalk(
      commands: readonly string[],
      port = pop3Port,
      atOnce = false,
    ): Promise<{ out: string }> {
      return new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1');
        const left = [...commands];
        let out = '';
        socket.setTimeout(60_000, () => socket.destroy(new Error(`no answer after: ${out}`)));
        // A command sent after the server ended is answered by a reset; what it said before counts.
        socket.on('error', (error: NodeJS.ErrnoException) =>
          error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve({ out }) : reject(error),
        );
        socket.on('close', () => resolve({ out }));
        socket.on('data', (chunk) => {
          out += chunk.toString('latin1');
          if (atOnce)
            socket.write(
              left
                .splice(0)
                .map((line) => `${line}\r\n`)
                .join(''),
            );
          else if (left.length > 0) socket.write(`${left.shift()}\r\n`);
          else socket.end();
        });
      });
    }
  },
);

function firstData(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => resolve(chunk.toString('latin1')));
    socket.once('error', reject);
  });
}

async function greeting(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(10_000, () => socket.destroy(new Error('silent')));
  try {
    return await firstData(socket);
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

function newIn(maildir: string): string[] {
  return readdirSync(join(maildir, 'new')).map((name) =>
    readFileSync(join(maildir, 'new', name), 'latin1'),
  );
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
