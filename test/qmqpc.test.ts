// qmail-qmqpc: its exit codes against servers of all kinds, and a host without a queue whose mail arrives
// on another.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  DIST,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  steadyPort,
} from './lib/instance.ts';
import { killQuietly, until } from './lib/processes.ts';
import {
  emptyRules,
  type FakeQmqpServer,
  netstring,
  type Script,
  startQmqpServer,
} from './lib/qmqp.ts';
import { isRoot, run } from './lib/run.ts';

const OK: Script = { say: netstring('Kok 1000 qp 5') };
const LATER: Script = { say: netstring('Zdisk full') };

let home: string;
let servers: FakeQmqpServer[];
let children: ChildProcess[];

beforeEach(() => {
  home = openDirectory('mini-');
  servers = [];
  children = [];
  mkdirSync(join(home, 'control'));
  mkdirSync(join(home, 'bin'));
});

afterEach(async () => {
  for (const server of servers) server.close();
  for (const child of children) {
    killQuietly(child.pid as number, 'SIGKILL');
    await until('it ends', () => child.exitCode !== null || child.signalCode !== null);
  }
  rmSync(home, { recursive: true, force: true });
});

async function server(script: Script, onRequest?: () => void): Promise<FakeQmqpServer> {
  const started = await startQmqpServer(script, onRequest);
  servers.push(started);
  return started;
}

function use(...ports: readonly number[]): void {
  const lines = ports.map((port) => `127.0.0.1:${port}\n`);
  writeFileSync(join(home, 'control/qmqpservers'), lines.join(''));
}

const ENVELOPE = 'Fann@mini.test\0Tbob@a.test\0Tcarl@b.test\0\0';

/** Calls a qmail-queue as its callers do: message on fd 0, envelope on fd 1. */
function call(program: string, message: string | Buffer, envelope = ENVELOPE): ChildProcess {
  const fds = [message, envelope].map((content, i) => {
    const path = join(home, `fd${i}`);
    writeFileSync(path, content, 'latin1');
    return openSync(path, 'r');
  });
  const env = { PATH: process.env.PATH, QMAILHOME: home, TMPDIR: home };
  const child = spawn(program, [], { env, stdio: [...fds, 'inherit'] });
  children.push(child);
  for (const fd of fds) closeSync(fd);
  return child;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  await until('qmail-qmqpc ends', () => child.exitCode !== null || child.signalCode !== null);
  return child.exitCode;
}

const queue = (message: string | Buffer, envelope?: string) =>
  exitOf(call(join(DIST, 'qmail-qmqpc'), message, envelope));

test('a server gets one request with the message and the envelope as they are', async () => {
  const one = await server(OK);
  use(one.port);
  expect(await queue('a\r\nb\0\xe9 half')).toBe(0);
  const fields = ['a\r\nb\0\xe9 half', 'ann@mini.test', 'bob@a.test', 'carl@b.test'];
  expect(one.requests).toEqual([netstring(fields.map(netstring).join(''))]);
  expect(await queue('', 'F\0T\0\0')).toBe(0);
  expect(one.requests[1]).toBe(netstring('0:,0:,0:,'));
});

test.each<[string, Script, number]>([
  ['refuses for good', { say: netstring('Dno') }, 31],
  ['cannot now', LATER, 71],
  ['says what is none of the three', { say: netstring('maybe') }, 71],
  ['says nothing in its answer', { say: '0:,' }, 71],
  ['hangs up', 'hang up', 74],
  ['speaks SMTP', { say: '220 mx.test ESMTP\r\n' }, 74],
  ['answers at too great length', { say: netstring(`K${'x'.repeat(5000)}`) }, 74],
  ['hangs up in its answer', { say: '14:Kok' }, 74],
])('of a server that %s, the exit code is the last', async (_, script, code) => {
  const one = await server(script);
  use(one.port);
  expect(await queue('m\n')).toBe(code);
  expect(one.requests).toHaveLength(1);
});

test('servers are tried in their order until one takes the message or refuses it for good', async () => {
  const [later, broken, good, spare] = [
    await server(LATER),
    await server('hang up'),
    await server(OK),
    await server(OK),
  ] as const;
  use(await steadyPort(), later.port, broken.port, good.port, spare.port);
  expect(await queue('m\n')).toBe(0);
  expect([later, broken, good, spare].map((one) => one.requests.length)).toEqual([1, 1, 1, 0]);
  expect(later.requests).toEqual(good.requests);
  const never = await server({ say: netstring('Dno') });
  use(later.port, never.port, spare.port);
  expect(await queue('m\n')).toBe(31);
  expect(spare.requests).toEqual([]);
});

test('a dead port is 73, and after it the last server decides', async () => {
  use(await steadyPort());
  expect(await queue('m\n')).toBe(73);
  use((await server(LATER)).port, await steadyPort());
  expect(await queue('m\n')).toBe(73);
});

test('a server that does not accept is given ten seconds: 72', async () => {
  // Nobody accepts, and two connections fill the kernel's backlog: the next one gets no answer at all.
  const script = `
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
held = [socket.socket() for _ in range(4)]
for h in held:
    h.setblocking(False)
    h.connect_ex(s.getsockname())
time.sleep(0.5)
print(s.getsockname()[1], flush=True)
sys.stdin.read()
`;
  const full = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(full);
  let out = '';
  full.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  use(Number(await until('its port', () => /^(\d+)\n/.exec(out)?.[1])));
  expect(await queue('m\n')).toBe(72);
});

test.each([
  ['no control/qmqpservers', undefined],
  ['an empty one', ''],
  ['names only', 'mail.example.org\n# 127.0.0.1\n'],
])('with %s it is 55', async (_, lines) => {
  if (lines !== undefined) writeFileSync(join(home, 'control/qmqpservers'), lines);
  expect(await queue('m\n')).toBe(55);
});

test('a bad envelope has the codes of qmail-queue, and no server hears of it', async () => {
  const one = await server(OK);
  use(one.port);
  expect(await queue('m\n', 'Xann\0\0')).toBe(91);
  expect(await queue('m\n', 'Fann\0Tbob\0')).toBe(54);
  expect(await queue('m\n', `Fann\0T${'x'.repeat(1003)}\0\0`)).toBe(11);
  expect(one.requests).toEqual([]);
  rmSync(join(home, 'control'), { recursive: true });
  const child = spawn(join(DIST, 'qmail-qmqpc'), [], {
    env: { PATH: process.env.PATH, QMAILHOME: join(home, 'absent') },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  expect(await exitOf(child)).toBe(61);
});

test('forty megabytes go out twice without being held, through a file that nobody sees', async () => {
  const message = Buffer.alloc(40_000_000, 'forty bytes and a line end, and so on..\n');
  let peak = 0;
  let child: ChildProcess | undefined;
  const look = () => {
    const status = readFileSync(`/proc/${child?.pid}/status`, 'utf8');
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]));
    expect(readdirSync(home).sort()).toEqual(['bin', 'control', 'fd0', 'fd1']);
  };
  const [later, good] = [await server(LATER, look), await server(OK, look)] as const;
  use(later.port, good.port);
  child = call(join(DIST, 'qmail-qmqpc'), message);
  expect(await exitOf(child)).toBe(0);
  expect(good.requests[0]?.length).toBeGreaterThan(message.length);
  expect(peak).toBeLessThan(110_000);
});

test('mail from a host without a queue reaches a Maildir on another, past a dead and a busy server', async () => {
  const mainDir = openDirectory('main-');
  let instance: RunningInstance | undefined;
  try {
    instance = await startInstance(mainDir);
    const { dir } = instance;
    const address = instance.users[0]?.address as string;
    const user = isRoot ? ['--user', 'nobody'] : [];
    const qmqpd = spawn(
      join(DIST, 'qmail-qmqpd'),
      ['--listen', '127.0.0.1:0', '--rules', emptyRules(home), ...user],
      { env: { PATH: process.env.PATH, QMAILHOME: dir }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    children.push(qmqpd);
    let log = '';
    qmqpd.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const port = await until('it listens', () => /listening on [^\n]*:(\d+)\n/.exec(log)?.[1]);
    const busy = await server(LATER);
    use(await steadyPort(), busy.port, Number(port));
    symlinkSync(join(DIST, 'qmail-qmqpc'), join(home, 'bin/qmail-queue'));

    const direct = call(
      join(home, 'bin/qmail-queue'),
      'Subject: one\n\none\n',
      `Fann@mini.test\0T${address}\0\0`,
    );
    expect(await exitOf(direct)).toBe(0);
    // And through a caller of the queue, which finds the link where qmail-queue would be.
    const talk = `EHLO mini\r\nMAIL FROM:<ann@mini.test>\r\nRCPT TO:<${address}>\r\nDATA\r\nSubject: two\r\n\r\ntwo\r\n.\r\nQUIT\r\n`;
    writeFileSync(join(home, 'control/me'), 'mini.test\n');
    const smtpd = await run(join(DIST, 'qmail-smtpd'), [], {
      env: { PATH: process.env.PATH, QMAILHOME: home },
      input: talk,
    });
    expect(smtpd.out.toString()).toMatch(/\r\n250 ok \d+ qp \d+\r\n221 mini\.test\r\n$/);
    expect(busy.requests).toHaveLength(2);

    const mail = await until('both messages arrive', () => {
      const texts = maildirFiles(dir).map((path) => readFileSync(path, 'latin1'));
      const found = ['one', 'two'].map((word) =>
        texts.find((text) => text.includes(`\nSubject: ${word}\n\n${word}\n`)),
      );
      return found.every((text) => text !== undefined) ? found : undefined;
    });
    for (const text of mail) expect(text).toMatch(/\n {2}by 127\.0\.0\.1 with QMQP; /);
  } finally {
    await removeInstance(mainDir, [instance?.supervisor]);
  }
});

/** All files in directories named new below `dir`. */
function maildirFiles(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /(?:^|\/)new\/[^/]+$/.test(name)).map((name) => join(dir, name));
}
