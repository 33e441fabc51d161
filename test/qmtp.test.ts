// qmail-qmtpd and qmail-qmqpd as they are deployed: resident, and one process a client. The queue is a
// program that keeps what it gets.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DIST, openDirectory, steadyPort } from './lib/instance.ts';
import { keptIn, makeKeepingQueue, queueProgram } from './lib/keeping-queue.ts';
import { killQuietly, until } from './lib/processes.ts';
import { emptyRules, netstring } from './lib/qmqp.ts';
import { installed, isRoot, run } from './lib/run.ts';

let home: string;
let env: NodeJS.ProcessEnv;
let servers: ChildProcess[];
let clients: Socket[];

beforeEach(() => {
  home = openDirectory('qmtp-');
  servers = [];
  clients = [];
  env = { PATH: process.env.PATH, QMAILHOME: home, QMAILQUEUE: join(home, 'queue') };
  mkdirSync(join(home, 'control'));
  makeKeepingQueue(home);
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  for (const server of servers) {
    killQuietly(server.pid as number, 'SIGKILL');
    await until('the server ends', () => server.exitCode !== null || server.signalCode !== null);
  }
  rmSync(home, { recursive: true, force: true });
});

/** Starts a resident server; resolves with its port. */
async function listen(name: string, ...args: string[]) {
  const user = isRoot ? ['--user', 'nobody'] : []; // qmaild need not exist here
  const words = ['--listen', '127.0.0.1:0', ...user, ...args];
  const server = spawn(join(DIST, name), words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  servers.push(server);
  let log = '';
  server.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('latin1');
  });
  const port = await until('the server listens', () => {
    if (server.exitCode !== null) throw new Error(`the server ended: ${log}`);
    return /listening on [^\n]*:(\d+)\n/.exec(log)?.[1];
  });
  return { server, port: Number(port), log: () => log };
}

function client(port: number) {
  const socket = connect({ port, host: '127.0.0.1' });
  clients.push(socket);
  let heard = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  return { socket, heard: () => heard };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const { socket } = client(port);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

const kept = () => keptIn(home);

const qmtp = (mark: string, recipients: readonly string[]) =>
  netstring(`\n${mark}\n`) + netstring(mark) + netstring(recipients.map(netstring).join(''));

test('one process serves many clients with many messages each, and none gets the mail of another', async () => {
  const { port, log } = await listen('qmail-qmtpd');
  const marks = Array.from({ length: 10 }, (_, i) => `m${i}`);
  await Promise.all(
    marks.map(async (mark) => {
      const { socket, heard } = client(port);
      socket.write(qmtp(`${mark}a`, ['x@a', 'y@b']) + qmtp(`${mark}b`, ['z@c']));
      await until('three answers', () => /^(?:\d+:Kok \d+ qp \d+,){3}$/.test(heard()));
      socket.end();
    }),
  );
  const messages = kept();
  expect(messages.size).toBe(20);
  for (const mark of marks) {
    const message = messages.get(`F${mark}a\0Tx@a\0Ty@b\0\0`);
    expect(message).toMatch(
      /^Received: from unknown \(127\.0\.0\.1\)\n {2}by 127\.0\.0\.1 with QMTP; /,
    );
    expect(message?.endsWith(`-0000\n${mark}a\n`)).toBe(true);
    expect(messages.has(`F${mark}b\0Tz@c\0\0`)).toBe(true);
  }
  await until('all places are free', () => log().endsWith('status: 0/40\n'));
});

test('a hundred megabytes go through a server that holds none of them', async () => {
  queueProgram(home, `wc -c >${home}/kept/size; cat <&1 >/dev/null`);
  const { server, port } = await listen('qmail-qmtpd');
  const { socket, heard } = client(port);
  const size = 100_000_000;
  const block = Buffer.alloc(1_000_000, 'forty bytes and a line end, and so on..\n');
  socket.write(`${size + 1}:\n`);
  for (let sent = 0; sent < size; sent += block.length)
    if (!socket.write(block)) await new Promise((drained) => socket.once('drain', drained));
  socket.write(`,${netstring('a@b')}${netstring(netstring('c@d'))}`);
  await until('the answer', () => heard().includes('Kok '));
  const received = Number(readFileSync(join(home, 'kept/size'), 'utf8'));
  expect(received - size).toBeGreaterThan(50); // our Received line
  expect(received - size).toBeLessThan(200);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'));
  expect(Number(peak?.[1])).toBeLessThan(180_000);
});

test('at a stop idle clients are let go at once, and a message that is under way is still taken', async () => {
  const { server, port, log } = await listen('qmail-qmtpd');
  const idle = client(port);
  idle.socket.write(qmtp('idle', ['x@a']));
  await until('the answer', () => idle.heard() !== '');
  const { socket, heard } = client(port);
  const late = qmtp('late', ['x@a']);
  socket.write(qmtp('first', ['x@a']) + late.slice(0, 5));
  await until('the first answer', () => heard().includes('Kok '));
  server.kill('SIGTERM');
  await until('it no longer listens', async () => !(await accepts(port)));
  await until('the idle one is let go', () => idle.socket.closed);
  socket.write(late.slice(5));
  await until('the second answer', () => /Kok .*Kok /.test(heard()));
  await until('the server ends', () => server.exitCode !== null);
  expect(server.exitCode).toBe(0);
  await until('it has said so', () => log().includes('stopped\n'));
  expect([...kept().keys()].sort()).toEqual([
    'Ffirst\0Tx@a\0\0',
    'Fidle\0Tx@a\0\0',
    'Flate\0Tx@a\0\0',
  ]);
});

test('a filter that exits 82 has its own words told to the clients of both servers', async () => {
  queueProgram(home, 'cat >/dev/null; echo "Dno spam here (#5.7.1)" >&6; exit 82');
  const one = await run(join(DIST, 'qmail-qmtpd'), [], { env, input: qmtp('x', ['a@b', 'c@d']) });
  expect(one.out.toString()).toBe(netstring('Dno spam here (#5.7.1)').repeat(2));
  queueProgram(home, 'cat >/dev/null; echo "Zscanner is away" >&6; exit 82');
  const request = netstring(netstring('m') + netstring('a@b') + netstring('c@d'));
  const two = await run(join(DIST, 'qmail-qmqpd'), [], { env, input: request });
  expect([two.code, two.out.toString()]).toEqual([0, netstring('Zscanner is away')]);
});

test('without a way into the queue a client is left without an answer: 111', async () => {
  const { QMAILQUEUE: _, ...bare } = env;
  const ran = await run(join(DIST, 'qmail-qmtpd'), [], { env: bare, input: qmtp('x', ['a@b']) });
  expect([ran.code, ran.out.toString()]).toEqual([111, '']);
});

test('qmail-qmqpd listens to a network only with rules', async () => {
  const bare = await run(join(DIST, 'qmail-qmqpd'), ['--listen', '127.0.0.1:0'], { env });
  expect(bare.code).toBe(100);
  expect(bare.err).toMatch(/--listen needs --rules/);
  const rules = emptyRules(home);
  const { port } = await listen('qmail-qmqpd', '--rules', rules);
  const { socket, heard } = client(port);
  socket.write(netstring(netstring('m\n') + netstring('a@b') + netstring('c@anywhere')));
  await until('the answer', () => heard().includes('Kok '));
  await until('the server closes', () => socket.readableEnded || socket.destroyed);
  expect([...kept().keys()]).toEqual(['Fa@b\0Tc@anywhere\0\0']);
});

test.runIf(installed('tcpserver'))(
  'under tcpserver, with the environment it gives (needs ucspi-tcp)',
  async () => {
    writeFileSync(join(home, 'control/rcpthosts'), 'mx.test\n');
    const port = await steadyPort();
    const words = ['-vRHl', 'mx.test', '127.0.0.1', String(port), join(DIST, 'qmail-qmtpd')];
    const server = spawn('tcpserver', words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    servers.push(server);
    let log = '';
    server.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString('latin1');
    });
    await until('tcpserver listens', () => log.includes('status: 0/'));
    const { socket, heard } = client(port);
    socket.write(qmtp('x', ['ann@mx.test', 'ann@elsewhere.test']));
    await until('two answers', () => /rcpthosts \(#5\.7\.1\),$/.test(heard()));
    socket.end();
    expect(heard()).toMatch(/^\d+:Kok \d+ qp \d+,66:Dsorry, /);
    expect([...kept().values()][0]).toMatch(/\n {2}by mx\.test with QMTP; /);
    await until('the process ends with 0', () => /end \d+ status 0\n/.test(log));
  },
);
