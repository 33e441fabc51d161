// qmail-smtpd as it is deployed: resident with many clients, on a socket of systemd's, under
// tcpserver, and against clients that others wrote. The queue is a program that keeps what it gets.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DIST, loopbackAddress, openDirectory, steadyPort } from './lib/instance.ts';
import { keptIn, makeKeepingQueue } from './lib/keeping-queue.ts';
import { killQuietly, until } from './lib/processes.ts';
import { installed, isRoot, run } from './lib/run.ts';

const SMTPD = join(DIST, 'qmail-smtpd');

let home: string;
let env: NodeJS.ProcessEnv;
let servers: ChildProcess[];

beforeEach(() => {
  home = openDirectory('smtpd-');
  servers = [];
  env = { PATH: process.env.PATH, QMAILHOME: home, QMAILQUEUE: join(home, 'queue') };
  mkdirSync(join(home, 'control'));
  writeFileSync(join(home, 'control/me'), 'mx.test\n');
  makeKeepingQueue(home);
});

afterEach(async () => {
  for (const server of servers) {
    killQuietly(server.pid as number, 'SIGKILL');
    await ended(server);
  }
  rmSync(home, { recursive: true, force: true });
});

function ended(server: ChildProcess): Promise<number | null> {
  return until('the server ends', () =>
    server.exitCode !== null || server.signalCode !== null ? { code: server.exitCode } : undefined,
  ).then(({ code }) => code);
}

interface Running {
  readonly server: ChildProcess;
  readonly port: number;
  log(): string;
}

/** Starts a program whose stderr is a log, and waits for what `portIn` finds in it. */
async function start(
  file: string,
  args: readonly string[],
  portIn: (log: string) => number | undefined,
  extra: readonly number[] = [],
): Promise<Running> {
  const server = spawn(file, args, { env, stdio: ['ignore', 'ignore', 'pipe', ...extra] });
  servers.push(server);
  let log = '';
  server.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString('latin1');
  });
  const port = await until('the server listens', () => {
    if (server.exitCode !== null) throw new Error(`the server ended: ${log}`);
    return portIn(log);
  });
  return { server, port, log: () => log };
}

const listeningPort = (log: string) => {
  const port = /listening on [^\n]*:(\d+)\n/.exec(log)?.[1];
  return port === undefined ? undefined : Number(port);
};

/** Started by root it would become qmaild, which this host need not have. */
const AS_NOBODY = isRoot ? ['--user', 'nobody'] : [];

function listen(...args: string[]): Promise<Running> {
  return start(SMTPD, ['--listen', '127.0.0.1:0', ...AS_NOBODY, ...args], listeningPort);
}

/** A client in small: says lines, waits for replies. */
class Client {
  readonly #socket: Socket;
  #heard = '';

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1' });
    this.#socket.on('error', () => {});
    this.#socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
    });
  }

  /** The next line that is the last of a reply. */
  async reply(): Promise<string> {
    const line = await until('a reply', () => /^\d{3} [^\n]*\n/m.exec(this.#heard) ?? undefined);
    this.#heard = this.#heard.slice(line.index + line[0].length);
    return line[0].trimEnd();
  }

  async say(text: string): Promise<string> {
    this.#socket.write(`${text}\r\n`);
    return this.reply();
  }

  get gone(): boolean {
    return this.#socket.closed;
  }
}

async function sendOne(port: number, mark: string): Promise<void> {
  const client = new Client(port);
  expect(await client.reply()).toBe('220 mx.test ESMTP');
  await client.say('EHLO client.test');
  await client.say(`MAIL FROM:<${mark}@client.test>`);
  await client.say('RCPT TO:<ann@mx.test>');
  expect(await client.say('DATA')).toBe('354 go ahead');
  expect(await client.say(`Subject: ${mark}\r\n\r\n${mark}\r\n.`)).toMatch(/^250 ok \d+ qp \d+$/);
  expect(await client.say('QUIT')).toBe('221 mx.test');
  await until('the server closes', () => client.gone);
}

const kept = () => keptIn(home);

test('one process serves many clients at a time, and none gets the mail of another', async () => {
  const { port, log } = await listen('--max', '50');
  const marks = Array.from({ length: 30 }, (_, i) => `m${i}`);
  await Promise.all(marks.map((mark) => sendOne(port, mark)));
  const messages = kept();
  expect(messages.size).toBe(30);
  for (const mark of marks) {
    const message = messages.get(`F${mark}@client.test\0Tann@mx.test\0\0`);
    expect(message).toMatch(
      /^Received: from unknown \(HELO client\.test\) \(127\.0\.0\.1\)\n {2}by 127\.0\.0\.1 with SMTP; /,
    );
    expect(message?.endsWith(`\nSubject: ${mark}\n\n${mark}\n`)).toBe(true);
  }
  await until('all places are free', () => log().endsWith('status: 0/50\n'));
});

test('over the limit a client hears 421, and a stop ends idle clients with 421 and the server with 0', async () => {
  const { server, port } = await listen('--max', '1');
  const first = new Client(port);
  await first.reply();
  expect(await new Client(port).reply()).toBe('421 too many connections, try again later (#4.3.2)');
  server.kill('SIGTERM');
  expect(await first.reply()).toBe('421 service is stopping, try again later (#4.3.2)');
  expect(await ended(server)).toBe(0);
});

test('a message that is under way at a stop is still taken', async () => {
  const { server, port } = await listen();
  const client = new Client(port);
  await client.reply();
  await client.say('MAIL FROM:<a@b>');
  await client.say('RCPT TO:<x@y>');
  await client.say('DATA');
  server.kill('SIGTERM');
  await until('it no longer listens', () => {
    const late = connect({ port, host: '127.0.0.1' });
    return new Promise<boolean>((resolve) => {
      late.once('error', () => resolve(true));
      late.once('connect', () => {
        late.destroy();
        resolve(false);
      });
    });
  });
  expect(await client.say('last words\r\n.')).toMatch(/^250 ok /);
  expect(await client.reply()).toMatch(/^421 service is stopping/);
  expect(await ended(server)).toBe(0);
  expect([...kept().keys()]).toEqual(['Fa@b\0Tx@y\0\0']);
});

test('a socket handed over as systemd does is served', async () => {
  const listener = createServer();
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready));
  const { port } = listener.address() as { port: number };
  const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
  env = { ...env, LISTEN_FDS: '1' };
  await start(SMTPD, AS_NOBODY, (log) => (log.includes('listening on') ? port : undefined), [fd]);
  await new Promise((closed) => listener.close(closed));
  await sendOne(port, 'systemd');
  expect(kept().size).toBe(1);
});

test.runIf(installed('tcprules'))(
  'rules compiled by tcprules open the relay for a client (needs ucspi-tcp)',
  async () => {
    writeFileSync(join(home, 'control/rcpthosts'), 'mx.test\n');
    const rules = join(home, 'rules.cdb');
    const compile = (text: string) =>
      run('tcprules', [rules, join(home, 'rules.tmp')], { input: text });
    await compile(':allow\n');
    const { port } = await listen('--rules', rules);
    const ask = async () => {
      const client = new Client(port);
      await client.reply();
      await client.say('MAIL FROM:<a@b>');
      return client.say('RCPT TO:<x@elsewhere.test>');
    };
    expect(await ask()).toMatch(/^553 /);
    await compile('127.:allow,RELAYCLIENT=""\n:allow\n');
    expect(await ask()).toBe('250 ok');
  },
);

test.runIf(isRoot)(
  'started as root it binds a privileged port and is root no more (needs root)',
  async () => {
    const { server, port } = await start(
      SMTPD,
      ['--listen', `${loopbackAddress()}:1021`, '--user', 'nobody'],
      listeningPort,
    );
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
    const nobody = /^Uid:\s+(\d+)\s+\1\s+\1\s+\1$/m.exec(status)?.[1];
    expect(port).toBe(1021);
    expect(Number(nobody)).toBeGreaterThan(0);
    expect(/^Gid:\s+0/m.test(status)).toBe(false);
  },
);

test('a wrong call is one line on stderr and exit code 100, never a server', async () => {
  const bad = await run(SMTPD, ['--max', '3'], { env });
  expect([bad.code, bad.err]).toEqual([100, 'qmail-smtpd: fatal: --max needs --listen\n']);
  const worse = await run(SMTPD, ['--listen', 'nowhere'], { env });
  expect(worse.err).toMatch(/^qmail-smtpd: fatal: not an address to listen on: nowhere/);
});

test.runIf(installed('tcpserver', 'swaks'))(
  'swaks sends through tcpserver, one process a client (needs ucspi-tcp and swaks)',
  async () => {
    const port = await steadyPort();
    await start('tcpserver', ['-vRHl', 'mx.test', '127.0.0.1', String(port), SMTPD], (log) =>
      log.includes('status: 0/') ? port : undefined,
    );
    const args = [
      '--server',
      `127.0.0.1:${port}`,
      '--from',
      'a@b',
      '--to',
      'x@mx.test',
      '--pipeline',
    ];
    const sent = await run('swaks', [...args, '--body', '.dot\n'], { env });
    expect([sent.code, sent.out.toString('latin1')]).toEqual([
      0,
      expect.stringContaining('250 ok '),
    ]);
    const [message] = kept().values();
    expect(message).toMatch(
      /^Received: from unknown \(HELO .*\) \(127\.0\.0\.1\)\n {2}by mx\.test with SMTP/,
    );
    expect(message).toContain('\n\n.dot\n');
  },
);

test.runIf(installed('curl'))(
  'curl sends to the resident server, and hears a refusal early (needs curl)',
  async () => {
    writeFileSync(join(home, 'control/databytes'), '1000\n');
    const { port } = await listen();
    writeFileSync(join(home, 'small'), 'Subject: x\r\n\r\ncurl\r\n');
    writeFileSync(join(home, 'large'), 'x'.repeat(2000));
    const curl = (file: string) =>
      run(
        'curl',
        [
          '-sS',
          '-v',
          `smtp://127.0.0.1:${port}/client.test`,
          '--mail-from',
          'a@b',
          '--mail-rcpt',
          'x@mx.test',
          '-T',
          join(home, file),
        ],
        { env },
      );
    expect((await curl('small')).code).toBe(0);
    expect([...kept().values()][0]).toMatch(/\nSubject: x\n\ncurl\n$/);
    const refused = await curl('large');
    expect(refused.err).toContain(
      '< 552 sorry, that message size exceeds my databytes limit (#5.3.4)',
    );
    expect(kept().size).toBe(1);
  },
);
