import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { connectQueue } from '@q/queue-socket';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { client, connectRaw, request, send } from './testing/client.ts';
import {
  debris,
  type Instance,
  makeInstance,
  ownerUid,
  queuedMessages,
  removeInstance,
  shortAlarm,
  startServer,
  until,
} from './testing/instance.ts';

let instance: Instance;

beforeEach(async () => {
  instance = await makeInstance();
});
afterEach(() => removeInstance(instance));

const serve = (options?: { lifeline?: boolean }) => startServer(instance, options);

test('killed with -9 in the middle of everything, it has lost nothing it confirmed and queued no half message', async () => {
  let server = await serve();
  const confirmed = new Set<string>();
  let running = true;
  const senders = Array.from({ length: 12 }, async (_, who) => {
    const queue = client(instance.home);
    for (let n = 0; running; n++) {
      const name = `${who}.${n}`;
      try {
        const writer = await queue.open();
        await writer.write(Buffer.from(`${name}\n${'y'.repeat(n % 5 === 0 ? 200_000 : 900)}end`));
        const result = await writer.commit('a@b.c', ['d@e.f']);
        if (result.code === 0) confirmed.add(name);
        else expect(result.text).toMatch(/^Z/);
      } catch {
        // No server at this moment, and no rights to do without.
      }
    }
    queue.close();
  });
  for (let round = 0; round < 6; round++) {
    const before = confirmed.size;
    await until(() => confirmed.size > before + 20 + round);
    await server.stop('SIGKILL');
    server = await serve();
  }
  running = false;
  await Promise.all(senders);
  const messages = queuedMessages(instance.home);
  for (const { body } of messages) expect(body.subarray(-3).toString()).toBe('end');
  const names = messages.map(({ body }) => body.subarray(0, body.indexOf(10)).toString());
  expect([...confirmed].filter((name) => !names.includes(name))).toEqual([]);
  const left = debris(instance.home);
  for (const file of left) {
    // S2 and S3: an envelope is never left without its message.
    const number = /^intd\/(\d+)$/.exec(file)?.[1];
    if (number !== undefined) expect(left).toContain(`mess/${Number(number) % 23}/${number}`);
  }
});

test('a client notices nothing when the server is replaced between two messages', async () => {
  const old = await serve();
  const queue = client(instance.home);
  expect((await send(queue, 'one\n')).code).toBe(0);
  const writer = await queue.open();
  await writer.write(Buffer.from('two\n'));
  await serve();
  expect((await old.stop('SIGTERM')).code).toBe(0);
  expect((await writer.commit('a@b', ['c@d'])).code).toBe(0);
  expect((await send(queue, 'three\n')).code).toBe(0);
  expect(queuedMessages(instance.home).length).toBe(3);
  queue.close();
});

test('the socket is for everyone and is replaced by a successor', async () => {
  await serve();
  const first = statSync(join(instance.home, 'run/queue.socket'));
  expect(first.mode & 0o777).toBe(0o666);
  expect(first.uid).toBe(ownerUid);
  await serve();
  expect(statSync(join(instance.home, 'run/queue.socket')).ino).not.toBe(first.ino);
  expect((await send(client(instance.home), 'x')).code).toBe(0);
});

test('its lifeline gets one byte when clients can connect', async () => {
  const { child } = await serve({ lifeline: true });
  const [bytes] = await once(child.stdio[3] as Readable, 'data');
  expect(bytes).toHaveLength(1);
  expect((await send(client(instance.home), 'x')).code).toBe(0);
});

test('at the end of its lifeline it finishes what is under way, takes nothing new, and exits 0', async () => {
  const server = await serve({ lifeline: true });
  const idle = await connectRaw(instance.home);
  const busy = await connectRaw(instance.home);
  const bytes = request('z'.repeat(100_000));
  busy.socket.write(bytes.subarray(0, 90_000));
  await until(() => debris(instance.home).length > 0);
  (server.child.stdio[3] as Writable).end();
  await idle.ended;
  await until(() => server.log().includes('lifeline lost'));
  await expect(connectRaw(instance.home)).rejects.toThrow('ECONNREFUSED');
  busy.socket.write(bytes.subarray(90_000));
  await busy.ended;
  expect(busy.answers()).toMatch(/^\d+:0 /);
  await until(() => server.child.exitCode !== null);
  expect(server.child.exitCode).toBe(0);
  expect(queuedMessages(instance.home).length).toBe(1);
});

test('a message that takes longer than the alarm is given up with 52', async () => {
  await removeInstance(instance);
  instance = await makeInstance([shortAlarm(1)]);
  await serve();
  const { socket, answers, ended } = await connectRaw(instance.home);
  socket.write('100000:begun');
  await ended;
  expect(answers()).toBe('2:52,');
  expect(debris(instance.home)).toEqual([]);
});

test('memory stays bounded while a message of 300 MB passes through', async () => {
  const server = await serve();
  const writer = await client(instance.home).open();
  const block = Buffer.alloc(1 << 20, 'm');
  for (let i = 0; i < 300; i++) await writer.write(block);
  expect((await writer.commit('a@b', ['c@d'])).code).toBe(0);
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'latin1');
  expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(200_000);
});

test('a server that cannot be, says why: no such directory, an address of another kind', async () => {
  const run = (address: string) =>
    spawn(instance.program, ['--listen', address], {
      env: instance.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  for (const [address, text] of [
    [`unix:${instance.home}/nowhere/s`, 'unable to listen'],
    ['127.0.0.1:25', '--listen takes unix:PATH'],
  ] as const) {
    const child = run(address);
    let log = '';
    child.stderr.on('data', (chunk) => {
      log += chunk;
    });
    expect((await once(child, 'close'))[0]).not.toBe(0);
    expect(log).toContain(text);
  }
});

test('"unix:" alone is where clients look', async () => {
  const server = spawn(instance.program, ['--listen', 'unix:'], {
    env: instance.env,
    stdio: 'ignore',
  });
  instance.servers.push({ child: server, log: () => '', stop: () => Promise.reject() });
  await until(() => existsSync(join(instance.home, 'run/queue.socket')));
  expect((await send(client(instance.home), 'x')).code).toBe(0);
});

test('without a server the client runs bin/qmail-queue, which writes the queue itself', async () => {
  mkdirSync(join(instance.home, 'bin'));
  symlinkSync(instance.program, join(instance.home, 'bin/qmail-queue'));
  const queue = connectQueue({ home: instance.home, env: instance.env });
  const result = await send(queue, Buffer.alloc(200_000, 'w'));
  expect(result).toMatchObject({ code: 0, text: 'K' });
  const [queued] = queuedMessages(instance.home);
  expect(queued?.envelope).toMatchObject({
    pid: result.qp,
    sender: 'a@b.c',
    recipients: ['d@e.f'],
  });
  expect(queued?.body.length).toBe(200_000);
});

test('without a server and without bin/qmail-queue there is no message to begin', async () => {
  await expect(client(instance.home).open()).rejects.toMatchObject({
    exitCode: 120,
    message: 'unable to exec qq (#4.3.0)',
  });
});
