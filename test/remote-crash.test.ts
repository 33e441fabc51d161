// Mail on its way to another host survives the death of the process that carries it: qmail-rspawn, which
// makes many deliveries at a time, is killed with -9 again and again; every recipient gets the message.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
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
import { killQuietly, processesOf, retryNow, until } from './lib/processes.ts';
import { startSink } from './lib/smtp.ts';

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
  // It takes its time for each message, so that there is always one to be killed in the middle of.
  sink = await startSink((recipient, text) => {
    arrived.add(`${/^Message-ID: <(m\d+)>$/m.exec(text)?.[1]} ${recipient}`);
  }, 30);
  const { port } = sink.address() as AddressInfo;
  writeFileSync(join(dir, 'control/smtproutes'), `:127.0.0.1:${port}\n`);

  for (let n = 0; n < MESSAGES; ) {
    const before = arrived.size;
    for (const end = n + MESSAGES / KILLS; n < end; n++) await enqueue(n);
    await until('a delivery is made', () => arrived.size > before, 240);
    await killRspawn();
  }
  // Tried again now and then: what was under way when its carrier died is put off for minutes, also what had arrived.
  let retried = 0;
  await until(
    'every recipient has the message, and the queue is empty',
    () => {
      if (Date.now() - retried > 5000) {
        retried = Date.now();
        retryNow(dir);
      }
      return arrived.size === MESSAGES * RECIPIENTS && queued() === 0;
    },
    420,
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${arrived.size} arrived\n${stateOf(dir)}`);
  });
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
