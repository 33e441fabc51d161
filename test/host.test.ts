// splogger with a syslog daemon of the test's own, and tcp-env under the real inetd.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DIST, loopbackAddress, openDirectory, steadyPort } from './lib/instance.ts';
import { killQuietly, until } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';

let dir: string;
let children: ChildProcess[];
let servers: Server[];

beforeEach(() => {
  dir = openDirectory('host-');
  children = [];
  servers = [];
});
afterEach(async () => {
  for (const server of servers) server.close();
  for (const child of children) {
    killQuietly(child.pid as number, 'SIGKILL');
    await until('it ends', () => child.exitCode !== null || child.signalCode !== null);
  }
  rmSync(dir, { recursive: true, force: true });
});

describe('splogger', () => {
  /** Keeps each datagram as a line: Node has no unix datagram sockets. */
  const DAEMON = `
import os, socket, sys
path = sys.argv[1]
if os.path.exists(path): os.unlink(path)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(path)
print("ready", flush=True)
while True:
    print(repr(s.recv(4096)), flush=True)
`;

  async function startDaemon(path: string) {
    const child = spawn('python3', ['-c', DAEMON, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    await until('the daemon listens', () => out.startsWith('ready\n'));
    return { child, messages: () => out.split('\n').slice(1, -1) };
  }

  function startSplogger(...args: string[]) {
    const child = spawn(join(DIST, 'splogger'), args, { stdio: ['pipe', 'ignore', 'pipe'] });
    children.push(child);
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    return { child, err: () => err };
  }

  const HEAD = '[A-Z][a-z]{2} [ 123]\\d \\d\\d:\\d\\d:\\d\\d';

  test('each line is a datagram with facility, priority, local time, tag and stamp', async () => {
    const path = join(dir, 'log');
    const daemon = await startDaemon(path);
    const { child } = startSplogger('--socket', path, 'qmail');
    child.stdin.end('status: local 0/10 remote 0/20\nalert: oh no\nwarning: trouble\n');
    const lines = await until('three messages', () =>
      daemon.messages().length === 3 ? daemon.messages() : undefined,
    );
    const form = (pri: number, text: string) =>
      new RegExp(`^b'<${pri}>${HEAD} qmail: \\d{10}\\.\\d{6} ${text}'$`);
    expect(lines[0]).toMatch(form(22, 'status: local 0/10 remote 0/20'));
    expect(lines[1]).toMatch(form(17, 'alert: oh no'));
    expect(lines[2]).toMatch(form(20, 'warning: trouble'));
    await until('it ends', () => child.exitCode !== null);
    expect(child.exitCode).toBe(0);
  });

  test('tag and facility are arguments; without them it is splogger and mail', async () => {
    const path = join(dir, 'log');
    const daemon = await startDaemon(path);
    startSplogger('--socket', path, 'x', '3').child.stdin.end('one\n');
    await until('a message', () => daemon.messages().length === 1);
    startSplogger('--socket', path).child.stdin.end('two\n');
    await until('two messages', () => daemon.messages().length === 2);
    expect(daemon.messages()[0]).toMatch(/^b'<30>.* x: \S+ one'$/);
    expect(daemon.messages()[1]).toMatch(/^b'<22>.* splogger: \S+ two'$/);
    const bad = await run(join(DIST, 'splogger'), ['x', '24']);
    expect([bad.code, bad.err]).toEqual([100, 'splogger: fatal: not a facility: 24 (0 to 23)\n']);
  });

  test('without a daemon the log is read all the same, and a new daemon gets what follows', async () => {
    const path = join(dir, 'log');
    const { child, err } = startSplogger('--socket', path, 'qmail');
    child.stdin.write('lost\n'.repeat(100_000));
    await until('it says so, once', () => err() !== '');
    const first = await startDaemon(path);
    // One line alone: with more of them on their way, those would be lost when the daemon dies.
    child.stdin.write('first\n');
    await until('a line arrives', () => first.messages().some((line) => line.endsWith(" first'")));
    first.child.kill('SIGKILL');
    await until('the daemon is gone', () => first.child.signalCode !== null);
    const second = await startDaemon(path);
    child.stdin.end('second\n');
    await until('a line arrives', () =>
      second.messages().some((line) => line.endsWith(" second'")),
    );
    expect(err()).toBe(
      `splogger: warning: lines are lost: unable to reach ${path}: no such file or directory\n` +
        'splogger: lines are logged again\n',
    );
  });
});

describe('tcp-env', () => {
  /** A program that says what it was given, and echoes its input. */
  function showProgram(): string {
    const path = join(dir, 'show');
    writeFileSync(path, '#!/bin/sh\necho "args $*"\nenv | grep -E "^(PROTO|TCP)" | sort\ncat\n');
    chmodSync(path, 0o755);
    return path;
  }

  async function ask(port: number, host: string, localAddress?: string): Promise<string> {
    let heard = '';
    const socket = connect({ port, host, ...(localAddress ? { localAddress } : {}) });
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    socket.end('said before it was asked\n');
    await until('the program is done', () => socket.destroyed, 120);
    return heard;
  }

  const accepts = (port: number, host: string) =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ port, host });
      socket.once('error', () => resolve(false));
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });

  async function inetd(words: string, host = '127.0.0.1'): Promise<number> {
    const port = await steadyPort();
    const conf = join(dir, 'inetd.conf');
    const user = isRoot ? 'root' : (process.env.USER ?? 'nobody');
    writeFileSync(conf, `${host}:${port} stream tcp nowait ${user} ${words}\n`);
    children.push(spawn('/usr/sbin/inetd', ['-i', '-E', conf], { stdio: 'ignore' }));
    await until('inetd listens', () => accepts(port, host));
    return port;
  }

  test.runIf(isRoot && installed('inetd'))(
    'under inetd the program has the variables of tcpserver, and every byte that the client sent (needs root, openbsd-inetd)',
    async () => {
      const port = await inetd(`${join(DIST, 'tcp-env')} tcp-env -R ${showProgram()} one two`);
      const heard = await ask(port, '127.0.0.1');
      expect(heard).toMatch(
        new RegExp(
          '^args one two\nPROTO=TCP\n(?:TCPLOCALHOST=\\S+\n)?TCPLOCALIP=127\\.0\\.0\\.1\n' +
            `TCPLOCALPORT=${port}\n(?:TCPREMOTEHOST=\\S+\n)?TCPREMOTEIP=127\\.0\\.0\\.1\n` +
            'TCPREMOTEPORT=\\d+\nsaid before it was asked\n$',
        ),
      );
    },
  );

  test.runIf(isRoot && installed('inetd'))(
    "the client's ident server is asked, and its answer is TCPREMOTEINFO (needs root, openbsd-inetd)",
    async () => {
      const questions: string[] = [];
      const ident = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', (chunk) => {
          const question = chunk.toString();
          questions.push(question);
          socket.end(`${question.trim()} : USERID : UNIX : joe\r\n`);
        });
      });
      servers.push(ident);
      // Its port is 113 everywhere, so the address is one that nobody else has.
      const client = loopbackAddress();
      await new Promise<void>((ready) => ident.listen(113, client, ready));
      const port = await inetd(`${join(DIST, 'tcp-env')} tcp-env -t20 ${showProgram()}`);
      const heard = await ask(port, '127.0.0.1', client);
      expect(heard).toContain('\nTCPREMOTEINFO=joe\n');
      const remotePort = /TCPREMOTEPORT=(\d+)/.exec(heard)?.[1];
      expect(questions).toEqual([`${remotePort} , ${port}\r\n`]);
    },
  );

  test('with PROTO=TCP it changes nothing', async () => {
    const ran = await run(join(DIST, 'tcp-env'), [showProgram(), '-R'], {
      env: { PATH: process.env.PATH, PROTO: 'TCP', TCPREMOTEIP: '192.0.2.7' },
      input: 'input\n',
    });
    expect([ran.code, ran.out.toString()]).toEqual([
      0,
      'args -R\nPROTO=TCP\nTCPREMOTEIP=192.0.2.7\ninput\n',
    ]);
  });

  test('what is no connection, a program that is not there and a wrong call are 111, without a word', async () => {
    const env = { PATH: process.env.PATH };
    const noSocket = await run(join(DIST, 'tcp-env'), ['-R', 'true'], { env });
    expect([noSocket.code, noSocket.out.toString(), noSocket.err]).toEqual([111, '', '']);
    const noProgram = await run(join(DIST, 'tcp-env'), ['no-such-program'], {
      env: { ...env, PROTO: 'TCP' },
    });
    expect(noProgram.code).toBe(111);
    expect((await run(join(DIST, 'tcp-env'), [], { env })).code).toBe(111);
  });
});
