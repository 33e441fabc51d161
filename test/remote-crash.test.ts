// Mail on its way to another host survives the death of the process that carries it: qmail-rspawn, which
// makes many deliveries at a time, is killed with -9 again and again; every recipient gets the message.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  DIST,
  openDirectory,
  type RunningInstance,
  removeInstance,
  startInstance,
  stateOf,
  stopInstance,
} from './lib/instance.ts';
import { killQuietly, processesOf, until } from './lib/processes.ts';

const MESSAGES = 42;
const RECIPIENTS = 6;
const KILLS = 6;

let dir = '';
let instance: RunningInstance | undefined;
let sink: Server | undefined;

afterEach(async () => {
  await removeInstance(dir, [instance?.supervisor]);
  sink?.close();
});

test('kill -9 of qmail-rspawn in the middle of its deliveries loses nothing', {
  timeout: 600_000,
}, async () => {
  dir = openDirectory('remote-crash-');
  instance = await startInstance(dir);
  const arrived = new Set<string>();
  sink = await startSink(arrived);
  const { port } = sink.address() as AddressInfo;
  writeFileSync(join(dir, 'control/smtproutes'), `:127.0.0.1:${port}\n`);

  for (let n = 0; n < MESSAGES; ) {
    const before = arrived.size;
    for (const end = n + MESSAGES / KILLS; n < end; n++) await enqueue(n);
    await until('a delivery is made', () => arrived.size > before, 60);
    await killRspawn();
  }
  let alarmed = 0;
  await until(
    'every recipient has the message',
    () => {
      if (Date.now() - alarmed > 5000) {
        alarmed = Date.now();
        for (const { pid, name } of processesOf(dir))
          if (name === 'qmail-send') killQuietly(pid, 'SIGALRM');
      }
      return arrived.size === MESSAGES * RECIPIENTS;
    },
    300,
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${arrived.size} arrived\n${stateOf(dir)}`);
  });
  await until('the queue is empty', () => queued() === 0, 120);
  expect(await stopInstance(instance)).toBe(0);
});

/** Puts one message into the queue, as qmail-inject would. */
async function enqueue(n: number): Promise<void> {
  const { uid, gid } = statSync(dir);
  const message = join(dir, 'message');
  const envelope = join(dir, 'envelope');
  const recipients = Array.from({ length: RECIPIENTS }, (_, r) => `Tr${r}@far.example\0`).join('');
  writeFileSync(message, `Message-ID: <m${n}>\n\nbody\n`);
  writeFileSync(envelope, `Fs@far.example\0${recipients}\0`);
  const fds = [openSync(message, 'r'), openSync(envelope, 'r')] as const;
  const child = spawn(join(DIST, 'qmail-queue'), [], {
    stdio: [...fds, 'inherit'],
    env: { PATH: process.env.PATH, QMAILHOME: dir },
    uid,
    gid,
  });
  const [code] = await once(child, 'exit');
  for (const fd of fds) closeSync(fd);
  expect(code).toBe(0);
}

async function killRspawn(): Promise<void> {
  const victim = await until('qmail-rspawn runs', () =>
    processesOf(dir).find(({ name }) => name === 'qmail-rspawn'),
  );
  killQuietly(victim.pid, 'SIGKILL');
}

function queued(): number {
  const info = join(dir, 'queue/info');
  return readdirSync(info).reduce((n, split) => n + readdirSync(join(info, split)).length, 0);
}

/** An SMTP server that notes "MESSAGE-ID RECIPIENT" for what it takes, and takes its time for it. */
async function startSink(arrived: Set<string>): Promise<Server> {
  const server = createServer((socket) => {
    let held = '';
    let recipients: string[] = [];
    let inData = false;
    const say = (line: string) => socket.write(`${line}\r\n`);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      held += chunk.toString('latin1');
      for (;;) {
        const mark = inData ? '\r\n.\r\n' : '\r\n';
        const end = held.indexOf(mark);
        if (end < 0) return;
        const text = held.slice(0, end);
        held = held.slice(end + mark.length);
        if (inData) {
          const id = /^Message-ID: <(m\d+)>$/m.exec(text)?.[1];
          for (const recipient of recipients) arrived.add(`${id} ${recipient}`);
          setTimeout(() => say('250 ok'), 30);
        } else say(text === 'DATA' ? '354 go' : '250 ok');
        if (text.startsWith('MAIL')) recipients = [];
        if (text.startsWith('RCPT')) recipients.push(text);
        inData = text === 'DATA';
      }
    });
    say('220 sink');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
