// Tables that programs share: users/cdb as qmail-newu makes it, with tinycdb's cdb(1) as the judge, and the 1024 bytes
// of queue/lock/tcpto with the times after which qmail-remote takes a host up again.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClassicHost, messageName } from '../lib/classic-host.ts';
import { DIST } from '../lib/instance.ts';
import { until } from '../lib/processes.ts';
import { RecordedSpawner } from '../lib/recorded-spawner.ts';
import { installed, run } from '../lib/run.ts';

let host: ClassicHost;
const spawners: RecordedSpawner[] = [];

beforeEach(() => {
  host = new ClassicHost();
});
afterEach(async () => {
  for (const spawner of spawners.splice(0)) await spawner.kill();
  host.remove();
});

function as() {
  return { env: host.env, uid: host.uid, gid: host.gid };
}

describe.runIf(installed('cdb'))('users/cdb (needs tinycdb)', () => {
  const ASSIGN =
    '=Joe:joe:507:100:/home/joe:::\n' +
    '+joe-:joe:507:100:/home/joe:-::\n' +
    '+sales.:shop:508:101:/home/shop:-:s-:ignored\n' +
    '+:alias:505:200:/var/qmail/alias:-::\n' +
    '=joe:late:1:1:/nowhere:::\n' +
    '.\n=never:x:1:1:/:::\n';
  /** Key and data of each record, NUL as "|". */
  const RECORDED = [
    ['!joe|', 'joe|507|100|/home/joe||'],
    ['!joe-', 'joe|507|100|/home/joe|-|'],
    ['!sales.', 'shop|508|101|/home/shop|-|s-'],
    ['!', 'alias|505|200|/var/qmail/alias|-|'],
    ['!joe|', 'late|1|1|/nowhere||'],
    ['', '-.'],
  ] as const;

  /** A record as cdb(1) reads and prints it. */
  const record = ([key, data]: readonly [string, string]) =>
    `+${key.length},${data.length}:${key}->${data}\n`.replaceAll('|', '\0');

  test('qmail-newu makes the records that are recorded', async () => {
    host.file('users/assign', ASSIGN);
    expect(await run(join(DIST, 'qmail-newu'), [], as())).toMatchObject({ code: 0, err: '' });
    const { out } = await run('cdb', ['-d', join(host.home, 'users/cdb')]);
    expect(out.toString('latin1')).toBe(`${RECORDED.map(record).join('')}\n`);
  });

  test.each([
    ['joe', 'joe', '', ''],
    ['JOE-Lists.A', 'joe', '-', 'Lists.A'],
    ['joe-', 'joe', '-', ''],
    ['sales.eu-x', 'shop', '-', 's-eu-x'],
    ['salesx', 'alias', '-', 'salesx'],
    ['joex', 'alias', '-', 'joex'],
    ['sales', 'alias', '-', 'sales'],
  ])('made by cdb(1), qmail-lspawn finds in it whose %s is', async (local, user, dash, ext) => {
    const { uid, gid } = host;
    host.script('bin/qmail-local', 'echo "$2,$3,$5,$6"\n');
    const mine = RECORDED.map(([key, data]) => {
      const [name, , , ...rest] = data.split('|');
      return [key, key === '' ? data : [name, uid, gid, ...rest].join('|')] as const;
    });
    const made = await run('cdb', ['-c', join(host.home, 'users/cdb')], {
      input: Buffer.from(`${mine.map(record).join('')}\n`, 'latin1'),
    });
    expect(made.code).toBe(0);
    const home = user === 'alias' ? '/var/qmail/alias' : `/home/${user}`;
    const spawner = new RecordedSpawner(host, 'qmail-lspawn', ['./Mailbox']);
    spawners.push(spawner);
    const name = messageName(host.mess('x\n'));
    // $4 is the whole local part.
    expect(await spawner.report(name, 's@x', `${local}@mail.test`)).toBe(
      `K${user},${home},${dash},${ext}\n`,
    );
  });
});

describe('queue/lock/tcpto', () => {
  const seconds = () => Math.floor(Date.now() / 1000);
  const IP = [127, 0, 0, 1];
  const SILENT = "ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n\0";

  /** One record at the place of another, as qmail-remote of qmail writes it. */
  function remember(place: number, ip: readonly number[], count: number, time: number): void {
    const path = join(host.home, 'queue/lock/tcpto');
    const table = readFileSync(path);
    table.set([...ip, count, 0, 0, 0], place * 16);
    table.writeUInt32LE(time, place * 16 + 8);
    writeFileSync(path, table);
  }

  const bytes = (place: number) =>
    readFileSync(join(host.home, 'queue/lock/tcpto')).subarray(place * 16, place * 16 + 16);

  async function remote(port: number): Promise<string> {
    host.file('control/smtproutes', `far.test:127.0.0.1:${port}\n`);
    const words = ['far.test', 'a@b', 'c@far.test'];
    const ran = await run(join(DIST, 'qmail-remote'), words, { ...as(), input: 'x\n' });
    expect(ran.code).toBe(0);
    return ran.out.toString('latin1');
  }

  /** A server that takes every message. */
  async function startServer() {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      let inData = false;
      socket.write('220 mx\r\n');
      socket.on('data', (chunk) => {
        const text = chunk.toString('latin1');
        if (text.startsWith('DATA')) inData = true;
        if (inData) socket.write(text.startsWith('DATA') ? '354 go\r\n' : '250 taken\r\n');
        else socket.write('250 ok\r\n');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    return { port, close: () => server.close() && sockets.forEach((it) => void it.destroy()) };
  }

  test.each([
    ['twice, a moment ago', 2, 0, true],
    ['ten times, an hour ago', 10, 3600, true],
    ['once, a moment ago', 1, 0, false],
    ['ten times, 5825 seconds ago', 10, 5825, false],
    ['not, since it answered', 0, 10, false],
  ])('a host that timed out %s', async (_, count, age, skipped) => {
    const server = await startServer();
    remember(40, IP, count, seconds() - age);
    const said = await remote(server.port);
    server.close();
    if (skipped) {
      expect(said).toBe(SILENT);
      expect(bytes(40)[4]).toBe(count);
    } else {
      expect(said).toBe('r\0K127.0.0.1 accepted message.\nRemote host said: 250 taken\n\0');
      expect(bytes(40)[4]).toBe(0);
    }
    expect(bytes(0)).toEqual(Buffer.alloc(16));
  });

  test('a refusal is an answer: the count is set back', async () => {
    const server = await startServer();
    server.close();
    remember(0, IP, 1, seconds() - 10);
    expect(await remote(server.port)).toBe(SILENT);
    expect(bytes(0)[4]).toBe(0);
  });

  test('a silent host is entered, counted again after two minutes, then passed over, shown and forgotten', async () => {
    host.file('control/timeoutconnect', '1\n');
    const silent = await startSilentServer();
    try {
      const before = seconds();
      expect(await remote(silent.port)).toBe(SILENT);
      expect([...bytes(0).subarray(0, 8)]).toEqual([...IP, 1, 0, 0, 0]);
      expect(bytes(0).readUInt32LE(8)).toBeGreaterThanOrEqual(before);
      expect(bytes(0).readUInt32LE(12)).toBe(0);
      remember(0, IP, 1, seconds() - 60);
      await remote(silent.port);
      expect(bytes(0)[4]).toBe(1);
      remember(0, IP, 1, seconds() - 130);
      await remote(silent.port);
      expect(bytes(0)[4]).toBe(2);
      const shown = await run(join(DIST, 'qmail-tcpto'), [], as());
      expect(shown.out.toString()).toMatch(
        /^127\.0\.0\.1 timed out \d+ seconds ago; # recent timeouts: 2\n$/,
      );
      silent.close();
      const server = await startServer();
      expect(await remote(server.port)).toBe(SILENT);
      expect((await run(join(DIST, 'qmail-tcpok'), [], as())).code).toBe(0);
      expect(bytes(0)).toEqual(Buffer.alloc(16));
      expect(await remote(server.port)).toMatch(/^r\0K/);
      server.close();
    } finally {
      silent.close();
    }
  });

  /** Listens, accepts nobody, and has no room left to wait in: the kernel drops what would connect. */
  async function startSilentServer() {
    const script =
      "const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>{" +
      "require('fs').writeSync(1,String(s.address().port));" +
      'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0)})';
    const child: ChildProcess = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = await once(child.stdout as NodeJS.ReadableStream, 'data');
    const sockets = Array.from({ length: 8 }, () => connect(Number(String(port)), '127.0.0.1'));
    let connected = 0;
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.on('connect', () => connected++);
    }
    await until('its queue is full', () => connected >= 2);
    const close = () => {
      child.kill('SIGKILL');
      for (const socket of sockets) socket.destroy();
    };
    return { port: Number(String(port)), close };
  }
});
