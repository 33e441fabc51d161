// The files that our qmail-queue leaves, in its one-shot and in its resident form, beside those recorded of
// qmail 1.03: any qmail-send must be able to go on from there.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClassicHost, messageName } from '../lib/classic-host.ts';
import { DIST } from '../lib/instance.ts';
import { until } from '../lib/processes.ts';
import { isRoot } from '../lib/run.ts';

const MESSAGE = 'Subject: caf\xe9\r\n\nbare \r and \0 and no line end';
const RECEIVED =
  /^Received: \(qmail (\d+) invoked by uid (\d+)\); \d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d -0000\n/;
const STRANGER = 54_322;

let host: ClassicHost;
let server: ChildProcess | undefined;

beforeEach(() => {
  host = new ClassicHost();
});
afterEach(async () => {
  if (server !== undefined && server.exitCode === null && server.signalCode === null) {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
  server = undefined;
  host.remove();
});

async function startServer(): Promise<void> {
  host.directory('run');
  const { env, uid, gid } = host;
  server = spawn(join(DIST, 'qmail-queue'), ['--listen', 'unix:'], {
    env,
    uid,
    gid,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until('the socket', () => {
    try {
      return lstatSync(join(host.home, 'run/queue.socket')).isSocket();
    } catch {
      return false;
    }
  });
}

async function queue(uid: number, message: string, envelope: string) {
  const child = spawn(join(DIST, 'qmail-queue'), [], {
    env: host.env,
    uid,
    gid: uid === host.uid ? host.gid : uid,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // fd 1 is read by qmail-queue.
  const [fd0, fd1] = child.stdio as unknown as [Duplex, Duplex];
  for (const stream of [fd0, fd1]) stream.on('error', () => {});
  fd0.end(Buffer.from(message, 'latin1'));
  fd1.end(Buffer.from(envelope, 'latin1'));
  const [code] = await once(child, 'exit');
  return { code: code as number, pid: child.pid as number };
}

test('signals of terminals and limits are ignored; SIGALRM is the timeout, 52', async () => {
  const { env, uid, gid } = host;
  const start = async () => {
    const before = host.left().length;
    const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
    const child = spawn(join(DIST, 'qmail-queue'), [], { env, uid, gid, stdio });
    const [fd0, fd1] = child.stdio as unknown as [Duplex, Duplex];
    for (const stream of [fd0, fd1]) stream.on('error', () => {});
    fd0.write('x'.repeat(200_000));
    await until('it is reading', () => host.left().length > before);
    return { child, fd0, fd1, exited: once(child, 'exit') };
  };
  const first = await start();
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGVTALRM', 'SIGPROF', 'SIGXCPU'] as const)
    first.child.kill(signal);
  first.fd0.end('end\n');
  first.fd1.end('Fa@b\0Tc@d\0\0');
  expect(await first.exited).toEqual([0, null]);
  const queued = host.left();
  expect(queued.length).toBe(3);

  const second = await start();
  second.child.kill('SIGALRM');
  expect(await second.exited).toEqual([52, null]);
  await until('nothing of it is left', () => host.left().length === 3);
});

describe.each([
  ['one-shot', false],
  ['resident', true],
])('%s', (_, resident) => {
  // The owner writes the queue itself; everybody else is served by the resident one.
  const uidOf = () => (resident ? STRANGER : host.uid);
  beforeEach(async () => {
    if (resident && isRoot) await startServer();
  });

  test.runIf(!resident || isRoot)(
    `leaves S4, byte for byte${resident ? ' (needs root, to be somebody else)' : ''}`,
    async () => {
      const { code, pid } = await queue(uidOf(), MESSAGE, 'Fjoe@a.test\0Tann@b.test\0Teve\0T\0\0');
      expect(code).toBe(0);
      const [id] = readdirSync(join(host.home, 'queue/todo')) as [string];
      expect(host.left()).toEqual([`intd/${id}`, `mess/${messageName(id)}`, `todo/${id}`]);
      expect(String(statSync(host.at('mess/S/N', id)).ino)).toBe(id);
      const mess = host.read('mess/S/N', id) as string;
      const [line, byPid, byUid] = RECEIVED.exec(mess) ?? [];
      expect([byPid, byUid]).toEqual([String(pid), String(uidOf())]);
      expect(mess.slice((line as string).length)).toBe(MESSAGE);
      expect(host.read('todo/N', id)).toBe(
        `u${uidOf()}\0p${pid}\0Fjoe@a.test\0Tann@b.test\0Teve\0T\0`,
      );
      const intd = statSync(host.at('intd/N', id));
      expect([intd.ino, intd.nlink]).toEqual([statSync(host.at('todo/N', id)).ino, 2]);
      for (const name of ['mess/S/N', 'todo/N']) {
        const { mode, uid } = statSync(host.at(name, id));
        expect([mode & 0o7777, uid]).toEqual([0o644, host.uid]);
      }
      expect(statSync(host.at('mess/S/N', id)).nlink).toBe(1);
    },
  );

  test.runIf(!resident || isRoot).each([
    ['0', 'F\0\0', 'nobody to nobody'],
    ['0', `F${'a'.repeat(1002)}\0T${'b'.repeat(1002)}\0\0`, 'addresses of 1002 bytes'],
    ['11', `F${'a'.repeat(1003)}\0\0`, 'a sender of 1003 bytes'],
    ['11', `Fa\0T${'b'.repeat(1003)}\0\0`, 'a recipient of 1003 bytes'],
    ['91', 'Ta@b\0\0', 'no sender'],
    ['91', 'Fa@b\0Ra@b\0\0', 'a record of another type'],
    ['54', 'Fa@b\0Tc@d\0', 'no end'],
    ['54', '', 'nothing'],
  ])('exits %s for %j', async (code, envelope) => {
    expect(String((await queue(uidOf(), 'x\n', envelope)).code)).toBe(code);
    expect(host.left().length).toBe(code === '0' ? 3 : 0);
  });
});
