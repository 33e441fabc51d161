import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connOf, type HeldSocket } from '@q/session';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { TAKEN_TIMEOUT } from './limits.ts';
import { WorkerPool } from './worker-pool.ts';

/** Answers work with itself, after what it asks for; its first message has been checked when it does. */
const PROGRAM = `
const clients = [];
process.once('message', ({ role, account }) => {
  process.on('message', ({ id, work }, handle) => {
    if (handle && work === 'vanish') process.kill(process.pid, 'SIGKILL');
    if (handle) {
      clients.push(handle);
      process.send({ kind: 'taken', id });
    }
    if (work === 'die') process.exit(3);
    if (work === 'take and die') process.kill(process.pid, 'SIGKILL');
    if (work === 'lie') process.send('what?');
    if (work === 'hang') return;
    if (work === 'echo') {
      const socket = new (require('node:net').Socket)({ handle });
      socket.once('data', (bytes) => {
        process.send({ kind: 'worked', id, result: { heard: String(bytes), pid: process.pid } });
        socket.end();
      });
      return;
    }
    process.send({ kind: 'worked', id, result: { role, work, pid: process.pid, user: account.user, home: process.env.HOME } });
  });
  process.on('disconnect', () => process.exit());
});
`;

let dir: string;
let pool: WorkerPool;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'worker-'));
  writeFileSync(join(dir, 'program.cjs'), PROGRAM);
  pool = new WorkerPool({ program: join(dir, 'program.cjs'), env: { PATH: process.env.PATH } });
});
afterEach(() => vi.useRealTimers());
afterAll(async () => {
  await pool.stop();
  rmSync(dir, { recursive: true });
});

const account = (user: string) => ({ user, uid: 1, gid: 1, home: `/home/${user}` });

interface Result {
  readonly pid: number;
}

/** A client, and the server's end of it to be passed on. */
async function client(): Promise<{ socket: Socket; held: HeldSocket; closed: Promise<unknown> }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  const closed = once(socket, 'close');
  const [theirs] = (await accepted) as [Socket];
  server.close();
  const { held } = await connOf(theirs, theirs).handOver();
  return { socket, held, closed };
}

test('all work of an account is one worker’s, and another account has another', async () => {
  const answer = { role: 'worker', user: 'joe', home: '/home/joe' };
  const [first, second, other] = await Promise.all(
    ['joe', 'joe', 'ann'].map((user) => pool.do(account(user), user)),
  );
  expect(first).toMatchObject({ ...answer, work: 'joe' });
  expect((second as Result).pid).toBe((first as Result).pid);
  expect((other as Result).pid).not.toBe((first as Result).pid);
});

test('a worker that dies, or says what it may not, is a temporary fault for who asked, and the next gets a new one', async () => {
  const before = (await pool.do(account('joe'), 1)) as Result;
  const waiting = pool.do(account('joe'), 'hang');
  await expect(pool.do(account('joe'), 'die')).rejects.toThrow('the worker of this user ended');
  await expect(waiting).rejects.toThrow('the worker of this user ended');
  const after = (await pool.do(account('joe'), 2)) as Result;
  expect(after.pid).not.toBe(before.pid);
  const lied = pool.do(account('joe'), 'hang');
  await pool.do(account('joe'), 'lie').catch(() => {});
  await expect(lied).rejects.toThrow('the worker of this user ended');
});

test('a worker that is out of descriptors never sees a client: the client is hung up on, and who asked is told', async () => {
  const { pid } = (await pool.do(account('full'), 1)) as Result;
  execFileSync('prlimit', ['--pid', String(pid), '--nofile=3:']);
  const { held, closed } = await client();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const lost = pool.do(account('full'), 'serve', { held });
  const told = expect(lost).rejects.toThrow('the worker of this user ended');
  vi.advanceTimersByTime(TAKEN_TIMEOUT);
  await told;
  await closed;
  vi.useRealTimers();
  // It lives on, and serves whoever it hears.
  expect(await pool.do(account('full'), 2)).toMatchObject({ pid, work: 2 });
});

test('a client that was taken is waited for, however long it stays', async () => {
  const { socket, held } = await client();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { pid } = (await pool.do(account('long'), 1)) as Result;
  const serving = pool.do(account('long'), 'hang', { held });
  serving.catch(() => {});
  // Messages keep their order: once this one is answered, the client was taken.
  await pool.do(account('long'), 2);
  vi.advanceTimersByTime(10 * TAKEN_TIMEOUT);
  expect(await pool.do(account('long'), 3)).toMatchObject({ pid });
  const first = await Promise.race([serving.then(() => 'over'), Promise.resolve('waiting')]);
  expect(first).toBe('waiting');
  process.kill(pid, 'SIGKILL');
  await expect(serving).rejects.toThrow('ended');
  socket.destroy();
});

test('clients that a worker did not take before it ended are given to another, unread; each once', async () => {
  const { pid } = (await pool.do(account('gone'), 1)) as Result;
  const worker = pool.of(account('gone'));
  const clients = await Promise.all([client(), client(), client()]);
  const given: HeldSocket[] = [];
  const elsewhere = async (held: HeldSocket) => {
    given.push(held);
    return pool.do(account('gone'), 'echo', { held });
  };
  for (const { socket } of clients) socket.write('a NOOP\r\n');
  const answers = await Promise.all(
    clients.map(({ held }) => worker.ask('vanish', { held, elsewhere })),
  );
  expect(given).toEqual(clients.map(({ held }) => held));
  // One that asks a worker which is known to be gone finds the other, too.
  const late = await client();
  late.socket.write('a NOOP\r\n');
  answers.push(await worker.ask('vanish', { held: late.held, elsewhere }));
  for (const answer of answers) {
    expect(answer).toMatchObject({ heard: 'a NOOP\r\n' });
    expect(answer).not.toMatchObject({ pid });
  }
  for (const { closed, socket } of [...clients, late]) {
    socket.end();
    await closed;
  }
});

test('a client that was taken is given to nobody else when the worker ends, and hung up on', async () => {
  const { held, closed } = await client();
  let elsewhere = 0;
  const serving = pool.of(account('taken')).ask('take and die', {
    held,
    elsewhere: async () => elsewhere++,
  });
  await expect(serving).rejects.toThrow('the worker of this user ended');
  await closed;
  expect(elsewhere).toBe(0);
});

test('when so many users are busy, one more is put off and its client hung up on; one at rest makes room', async () => {
  const few = new WorkerPool({ program: join(dir, 'program.cjs'), env: {} }, 2);
  try {
    const busy = ['a', 'b'].map((user) => few.do(account(user), 'hang').catch(() => 'ended'));
    const { held, closed } = await client();
    await expect(few.do(account('c'), 1, { held })).rejects.toThrow('too many users are busy');
    await closed;
    await few.do(account('a'), 'die').catch(() => {});
    expect(await few.do(account('c'), 1)).toMatchObject({ user: 'c' });
    expect(await few.do(account('d'), 1)).toMatchObject({ user: 'd' });
    expect(await busy[0]).toBe('ended');
    void few.stop();
    expect(await busy[1]).toBe('ended');
  } finally {
    await few.stop();
  }
});

test('drain() hears the end of work that is under way', async () => {
  const own = new WorkerPool({ program: join(dir, 'program.cjs'), env: {} });
  const answer = own.do(account('joe'), 'last');
  await own.drain();
  expect(await answer).toMatchObject({ work: 'last' });
});
