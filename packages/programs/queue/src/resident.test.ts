import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { encodeEnvelope } from '@q/address';
import { connectQueue, type QueueResult } from '@q/queue-socket';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  debris,
  type Instance,
  isRoot,
  makeInstance,
  makeTree,
  ownerUid,
  queuedMessages,
  removeInstance,
  type Server,
  startServer,
  until,
} from './testing/instance.ts';

const NOBODY = 65_534;

let instance: Instance;
const servers: Server[] = [];

beforeEach(async () => {
  instance = await makeInstance();
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.child.kill('SIGKILL');
  await removeInstance(instance);
});

async function serve(options: { lifeline?: boolean } = {}): Promise<Server> {
  const server = await startServer(instance, options);
  servers.push(server);
  return server;
}

const encodeNetstring = (bytes: Uint8Array) =>
  Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(',')]);
const client = () => connectQueue({ home: instance.home, env: {} });
const socketPath = () => join(instance.home, 'run/queue.socket');
const request = (message: string, envelope = encodeEnvelope('a@b.c', ['d@e.f'])) =>
  Buffer.concat([
    encodeNetstring(Buffer.from(message)),
    Buffer.from('0:,'),
    encodeNetstring(envelope),
  ]);

async function send(message: Buffer | string, queue = client()): Promise<QueueResult> {
  const writer = await queue.open();
  await writer.write(Buffer.from(message));
  return writer.commit('a@b.c', ['d@e.f']);
}

/** A raw connection: what it answers, as text. */
async function raw(): Promise<{ socket: Socket; answers: () => string; ended: Promise<unknown> }> {
  const socket = createConnection({ path: socketPath() });
  socket.on('error', () => {});
  await once(socket, 'connect');
  let answers = '';
  socket.on('data', (chunk) => {
    answers += chunk.toString('latin1');
  });
  return {
    socket,
    answers: () => answers,
    ended: new Promise((done) => socket.once('close', done)),
  };
}

test("one connection serves many messages; the first has the peer's pid, the others their number", async () => {
  await serve();
  const queue = client();
  const results = [await send('one\n', queue), await send('two\n', queue)];
  const [first, second] = results;
  expect(results.map(({ code, text }) => [code, text])).toEqual([
    [0, 'K'],
    [0, 'K'],
  ]);
  expect(first?.qp).toBe(String(process.pid));
  const messages = new Map(queuedMessages(instance.home).map((m) => [m.body.toString(), m]));
  expect(messages.get('one\n')?.envelope.pid).toBe(String(process.pid));
  expect(messages.get('two\n')?.envelope.pid).toBe(second?.qp);
  expect(messages.get('two\n')?.number).toBe(second?.qp);
  expect(messages.get('two\n')?.received).toContain(
    `(qmail ${second?.qp} invoked by uid ${process.getuid?.()})`,
  );
  expect(debris(instance.home)).toEqual([]);
  queue.close();
});

test('any messages, in any pieces, through the client', async () => {
  await serve();
  const queue = client();
  const address = fc
    .uint8Array({ maxLength: 30 })
    .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll('\0', ''));
  const property = fc.asyncProperty(
    fc.array(fc.uint8Array({ maxLength: 150_000, size: 'max' }), { maxLength: 4 }),
    address,
    fc.array(address, { maxLength: 300, size: 'max' }),
    async (pieces, sender, recipients) => {
      const writer = await queue.open();
      const reused = Buffer.alloc(150_000);
      for (const piece of pieces) {
        reused.set(piece);
        await writer.write(reused.subarray(0, piece.length));
        reused.fill(0xaa); // the writer may not look at it any more
      }
      expect((await writer.commit(sender, recipients)).code).toBe(0);
      expectOnly(Buffer.concat(pieces), sender, recipients);
    },
  );
  await fc.assert(property, { numRuns: 40 });
  queue.close();
});

test('any requests, cut anywhere, down to single bytes, over a raw connection', async () => {
  await serve();
  const connection = await raw();
  let answered = 0;
  const property = fc.asyncProperty(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 }),
    fc.integer({ min: 1, max: 90 }),
    async (pieces, step) => {
      const bytes = Buffer.concat([
        ...pieces.map((piece) => encodeNetstring(piece)),
        Buffer.from('0:,'),
        encodeNetstring(encodeEnvelope('s@x', ['r@y'])),
      ]);
      connection.socket.setNoDelay(true);
      for (let at = 0; at < bytes.length; at += step) {
        connection.socket.write(bytes.subarray(at, at + step));
        if (at % (3 * step) === 0) await new Promise(setImmediate);
      }
      answered++;
      await until(() => connection.answers().split(',').length - 1 === answered);
      expectOnly(Buffer.concat(pieces), 's@x', ['r@y']);
    },
  );
  await fc.assert(property, { numRuns: 60 });
  expect(connection.answers()).toMatch(/^(\d+:0 \d+ \d+,)+$/);
  connection.socket.destroy();
});

/** Exactly this message is queued; it is removed again. */
function expectOnly(body: Buffer, sender: string, recipients: string[]): void {
  const messages = queuedMessages(instance.home);
  expect(messages.length).toBe(1);
  const [queued] = messages;
  expect(queued?.body.equals(body)).toBe(true);
  expect(queued?.envelope).toMatchObject({ sender, recipients });
  for (const { number } of messages)
    for (const name of ['todo', 'intd', `mess/${Number(number) % 23}`])
      rmSync(join(instance.home, 'queue', name, number));
}

test('1,000 messages over 20 connections are all there, each complete', async () => {
  await serve();
  const queue = client();
  const total = 1000;
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let n = next++; n < total; n = next++)
        expect((await send(`${n}\n${'x'.repeat(4000)}`, queue)).code).toBe(0);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  console.log(`resident qmail-queue: ${Math.round(total / seconds)} messages/s, 20 connections`);
  const seen = new Set(
    queuedMessages(instance.home).map(({ body }) => Number.parseInt(body.toString(), 10)),
  );
  expect(seen.size).toBe(total);
  expect(debris(instance.home)).toEqual([]);
  queue.close();
});

test('a connection that breaks before the envelope is complete queues nothing and leaves nothing', async () => {
  const server = await serve();
  const bytes = request('x'.repeat(70_000));
  for (const cut of [1, 100, 70_000, bytes.length - 20, bytes.length - 1]) {
    const { socket, ended } = await raw();
    await new Promise<void>((done) => socket.write(bytes.subarray(0, cut), () => done()));
    socket.destroy();
    await ended;
  }
  const writer = await client().open();
  await writer.write(Buffer.alloc(300_000));
  writer.abort();
  expect((await send('the server goes on\n')).code).toBe(0);
  await until(() => debris(instance.home).length === 0);
  expect(queuedMessages(instance.home).length).toBe(1);
  expect(server.log()).not.toContain('uid');
});

test('an error is answered at once, the rest of that message is passed over, and the next one is served', async () => {
  await serve();
  const { socket, answers } = await raw();
  const big = Buffer.concat([Buffer.from('F'), Buffer.alloc(200_000, 'x'), Buffer.from('\0\0')]);
  socket.write(request('bad', big));
  await until(() => answers() === '2:11,');
  socket.write(request('worse', Buffer.from('no envelope\0\0')));
  await until(() => answers() === '2:11,2:91,');
  socket.write(request('cut', Buffer.from('Fa@b\0')));
  await until(() => answers() === '2:11,2:91,2:54,');
  socket.write(request('good'));
  await until(() => /^2:11,2:91,2:54,\d+:0 /.test(answers()));
  expect(queuedMessages(instance.home).map(({ body }) => body.toString())).toEqual(['good']);
  expect(debris(instance.home)).toEqual([]);
  socket.destroy();
});

test('what is no netstring is answered with 91 and the connection is closed', async () => {
  await serve();
  for (const garbage of ['EHLO me\r\n', '007:x', '99999999999:', '3:abcd']) {
    const { socket, answers, ended } = await raw();
    socket.write(garbage);
    await ended;
    expect(answers()).toBe('2:91,');
  }
  expect(debris(instance.home)).toEqual([]);
});

test('requests may be sent without waiting, and the last one be followed by end of file', async () => {
  await serve();
  const { socket, answers, ended } = await raw();
  socket.end(Buffer.concat([request('1'), request('2'), request('3')]));
  await ended;
  expect(answers()).toMatch(/^(\d+:0 \d+ \d+,){3}$/);
});

test('killed with -9 in the middle of everything, it has lost nothing it confirmed and queued no half message', async () => {
  let server = await serve();
  const confirmed = new Set<string>();
  let running = true;
  const senders = Array.from({ length: 12 }, async (_, who) => {
    const queue = client();
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
  const queue = client();
  expect((await send('one\n', queue)).code).toBe(0);
  const writer = await queue.open();
  await writer.write(Buffer.from('two\n'));
  await serve();
  expect((await old.stop('SIGTERM')).code).toBe(0);
  expect((await writer.commit('a@b', ['c@d'])).code).toBe(0);
  expect((await send('three\n', queue)).code).toBe(0);
  expect(queuedMessages(instance.home).length).toBe(3);
  queue.close();
});

test('the socket is for everyone and is replaced by a successor', async () => {
  await serve();
  const first = statSync(socketPath());
  expect(first.mode & 0o777).toBe(0o666);
  expect(first.uid).toBe(ownerUid);
  await serve();
  expect(statSync(socketPath()).ino).not.toBe(first.ino);
  expect((await send('x')).code).toBe(0);
});

test('at the end of its lifeline it finishes what is under way, takes nothing new, and exits 0', async () => {
  const server = await serve({ lifeline: true });
  const idle = await raw();
  const busy = await raw();
  const bytes = request('z'.repeat(100_000));
  busy.socket.write(bytes.subarray(0, 90_000));
  await until(() => debris(instance.home).length > 0);
  (server.child.stdio[3] as Writable).end();
  await idle.ended;
  await until(() => server.log().includes('lifeline lost'));
  await expect(raw()).rejects.toThrow('ECONNREFUSED');
  busy.socket.write(bytes.subarray(90_000));
  await busy.ended;
  expect(busy.answers()).toMatch(/^\d+:0 /);
  await until(() => server.child.exitCode !== null);
  expect(server.child.exitCode).toBe(0);
  expect(queuedMessages(instance.home).length).toBe(1);
});

test('a message that takes longer than the alarm is given up with 52', async () => {
  await removeInstance(instance);
  instance = await makeInstance(1);
  await serve();
  const { socket, answers, ended } = await raw();
  socket.write('100000:begun');
  await ended;
  expect(answers()).toBe('2:52,');
  expect(debris(instance.home)).toEqual([]);
});

test('memory stays bounded while a message of 300 MB passes through', async () => {
  const server = await serve();
  const writer = await client().open();
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
  servers.push({ child: server, log: () => '', stop: () => Promise.reject() });
  await until(() => existsSync(socketPath()));
  expect((await send('x')).code).toBe(0);
});

test('without a server the client runs bin/qmail-queue, which writes the queue itself', async () => {
  mkdirSync(join(instance.home, 'bin'));
  symlinkSync(instance.program, join(instance.home, 'bin/qmail-queue'));
  const queue = connectQueue({ home: instance.home, env: instance.env });
  const result = await send(Buffer.alloc(200_000, 'w'), queue);
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
  await expect(client().open()).rejects.toMatchObject({
    exitCode: 120,
    message: 'unable to exec qq (#4.3.0)',
  });
});

/** qmail-queue run as another user: exit code. */
async function asUser(uid: number, message: string, envelope: string): Promise<number> {
  const child = spawn(instance.program, [], {
    env: instance.env,
    uid,
    gid: uid,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const fd1 = child.stdout as unknown as Writable;
  for (const stream of [child.stdin, fd1]) stream.on('error', () => {});
  child.stdin?.end(message);
  fd1.end(envelope);
  return (await once(child, 'exit'))[0] as number;
}

test.runIf(isRoot)(
  "another user's qmail-queue goes through the socket, and the kernel says whose it is (needs root)",
  async () => {
    await serve();
    expect(await asUser(NOBODY, 'x'.repeat(300_000), 'Fa@b\0Tc@d\0\0')).toBe(0);
    const [queued] = queuedMessages(instance.home);
    expect(queued?.envelope.uid).toBe(NOBODY);
    expect(queued?.received).toContain(`invoked by uid ${NOBODY})`);
    expect(queued?.body.length).toBe(300_000);
    expect(await asUser(NOBODY, 'x', 'F\0X')).toBe(91);
    expect(await asUser(NOBODY, 'x', `F${'x'.repeat(1003)}\0\0`)).toBe(11);
    expect(await asUser(NOBODY, 'x', 'Fa@b\0')).toBe(54);
    expect(debris(instance.home)).toEqual([]);
  },
);

test.runIf(isRoot)(
  "without a server another user's qmail-queue exits 56 (needs root)",
  async () => {
    expect(await asUser(NOBODY, 'x', 'Fa@b\0\0')).toBe(56);
  },
);

test.runIf(isRoot)('one user cannot take all connections (needs root)', async () => {
  await serve();
  const script = `
    const net = require('node:net');
    let open = 0, refused = 0;
    for (let i = 0; i < 80; i++) {
      const s = net.connect(${JSON.stringify(socketPath())}, () => open++);
      s.on('error', () => {});
      s.on('data', (d) => { if (String(d) === '2:71,') refused++; });
    }
    setInterval(() => process.stdout.write(refused + '\\n'), 50);
    process.stdin.resume().on('end', () => process.exit());`;
  const child = spawn(process.execPath, ['-e', script], {
    uid: NOBODY,
    gid: NOBODY,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let last = '';
  child.stdout.on('data', (chunk) => {
    last = String(chunk).trim().split('\n').at(-1) ?? '';
  });
  await until(() => last === '16');
  expect((await send("qmail's own still get in\n")).code).toBe(0);
  child.stdin.end();
  await once(child, 'exit');
});

test.runIf(isRoot)(
  'a full disk gives 53 or 63 and leaves nothing, and mail flows again afterwards (needs root)',
  async () => {
    const full = join(instance.home, 'small');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=755', 'tmpfs', full]);
    const whole = instance;
    try {
      instance = { ...whole, home: full, env: { ...whole.env, QMAILHOME: full } };
      makeTree(full);
      const server = await serve();
      const queue = client();
      const result = await send(Buffer.alloc(3_000_000), queue);
      expect([result.code, result.text]).toEqual([53, 'Zqq write error or disk full (#4.3.0)']);
      await until(() => debris(full).length === 0);
      expect(await runDirect(Buffer.alloc(3_000_000))).toBe(53);
      expect(debris(full)).toEqual([]);
      expect(server.log()).toContain('no space left on device');

      // Filled up by messages: each is queued whole or refused and gone.
      let queued = 0;
      for (let code = 0; code === 0; ) {
        code = (await send(Buffer.alloc(30_000), queue)).code;
        if (code === 0) queued++;
        else expect([53, 63, 64, 65, 66]).toContain(code);
      }
      await until(() => debris(full).length === 0);
      expect(queuedMessages(full).length).toBe(queued);
      expect(queued).toBeGreaterThan(5);

      for (const { number } of queuedMessages(full).slice(0, 3))
        for (const name of ['todo', 'intd', `mess/${Number(number) % 23}`])
          rmSync(join(full, 'queue', name, number));
      expect((await send(Buffer.alloc(30_000), queue)).code).toBe(0);
      queue.close();
      await server.stop('SIGTERM');
    } finally {
      for (const server of servers.splice(0)) await server.stop('SIGKILL');
      instance = whole;
      execFileSync('umount', [full]);
    }
  },
);

async function runDirect(message: Buffer): Promise<number> {
  const child = spawn(instance.program, [], {
    env: instance.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const fd1 = child.stdout as unknown as Writable;
  for (const stream of [child.stdin, fd1]) stream.on('error', () => {});
  child.stdin?.end(message);
  fd1.end('Fa@b\0\0');
  return (await once(child, 'exit'))[0] as number;
}
