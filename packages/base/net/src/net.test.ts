import { once } from 'node:events';
import { connect, createServer, type Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import {
  Alarm,
  adoptSocket,
  giveBackRoom,
  ROOM_SIZE,
  type SocketSource,
  type Source,
  takeRoom,
} from './index.ts';
import { AHEAD_MAX, ROOMS_AHEAD_MAX } from './limits.ts';

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.splice(0)) undo();
});

/** An accepted socket that has been taken over, and its client. */
async function adopted(): Promise<{ source: SocketSource; client: Socket; server: Server }> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as { port: number };
  const accepted = new Promise<SocketSource>((resolve) =>
    server.once('connection', (socket) => resolve(adoptSocket(socket) as SocketSource)),
  );
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => {});
  const source = await accepted;
  cleanup.push(() => {
    client.destroy();
    source.close();
    server.close();
  });
  return { source, client, server };
}

/** Waits until there is something to take, or nothing will be. */
const ready = (source: Source) =>
  new Promise<void>((resolve) => {
    if (source.ended) resolve();
    else source.onReady(resolve);
  }).finally(() => source.onReady(undefined));

async function next(source: Source, how: 'take' | 'lend'): Promise<Buffer | undefined> {
  for (;;) {
    const chunk = source[how]();
    if (chunk !== undefined) return chunk;
    if (source.ended) return undefined;
    await ready(source);
  }
}

/** Bytes that tell where they stand. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(at, at);
  return bytes;
}

test.each(['take', 'lend'] as const)(
  'what a client sends comes out of %s() unchanged',
  async (how) => {
    const { source, client } = await adopted();
    const sent = pattern(3_000_000);
    client.end(sent);
    const got: Buffer[] = [];
    for (let chunk = await next(source, how); chunk; chunk = await next(source, how))
      got.push(how === 'take' ? chunk : Buffer.from(chunk));
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  },
);

test('what was taken stays as it is, however much comes after it', async () => {
  const { source, client } = await adopted();
  const sent = pattern(1_000_000);
  client.end(sent);
  const got: Buffer[] = [];
  for (;;) {
    // Every other time lent, and copied at once.
    const lent = await next(source, 'lend');
    if (lent === undefined) break;
    got.push(Buffer.from(lent));
    const kept = await next(source, 'take');
    if (kept === undefined) break;
    got.push(kept);
  }
  expect(Buffer.concat(got).equals(sent)).toBe(true);
});

test('two connections that are read by turns do not see each other', async () => {
  const one = await adopted();
  const two = await adopted();
  one.client.end(Buffer.alloc(500_000, 'a'));
  two.client.end(Buffer.alloc(500_000, 'b'));
  const seen = { a: 0, b: 0 };
  for (let going = true; going; ) {
    const first = await next(one.source, 'lend');
    const second = await next(two.source, 'lend');
    seen.a += first?.filter((byte) => byte === 97).length ?? 0;
    seen.b += second?.filter((byte) => byte === 98).length ?? 0;
    going = first !== undefined || second !== undefined;
  }
  expect(seen).toEqual({ a: 500_000, b: 500_000 });
});

test('a client is not read on while what it sent is not taken', async () => {
  const { source, client } = await adopted();
  source.lend();
  const block = Buffer.alloc(1 << 20);
  while (source.socket.bytesRead < ROOM_SIZE) {
    client.write(block);
    await ready(source);
  }
  const before = source.socket.bytesRead;
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  expect(source.socket.bytesRead - before).toBeLessThanOrEqual(AHEAD_MAX + ROOM_SIZE);
  for (let chunks = 0; chunks < ROOMS_AHEAD_MAX + 5; chunks++)
    expect(await next(source, 'lend')).toBeDefined();
});

test('lent chunks stand in rooms that are used again', async () => {
  const { source, client } = await adopted();
  client.end(Buffer.alloc(4_000_000));
  const rooms = new Set<ArrayBufferLike>();
  await next(source, 'take');
  for (let chunk = await next(source, 'lend'); chunk; chunk = await next(source, 'lend'))
    if (chunk.buffer.byteLength === ROOM_SIZE) rooms.add(chunk.buffer);
  expect(rooms.size).toBeLessThanOrEqual(ROOMS_AHEAD_MAX + 2);
});

test('an answer goes out on the socket that was taken over, and its end is seen', async () => {
  const { source, client } = await adopted();
  client.write('ping');
  expect((await next(source, 'take'))?.toString()).toBe('ping');
  source.socket.end('pong');
  const [heard] = await once(client, 'data');
  expect(String(heard)).toBe('pong');
  client.end();
  expect(await next(source, 'take')).toBeUndefined();
});

test('a client that is gone is the end of what it says', async () => {
  const { source, client } = await adopted();
  client.resetAndDestroy();
  expect(await next(source, 'take')).toBeUndefined();
});

test('a socket that somebody reads already is not taken over', async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const client = connect({ port, host: '127.0.0.1' });
  client.write('early');
  const [socket] = (await accepted) as [Socket];
  await once(socket, 'data');
  expect(adoptSocket(socket)).toBeUndefined();
  expect(adoptSocket(new Socket())).toBeUndefined();
  client.destroy();
  socket.destroy();
  server.close();
});

test('a room that was given back is the next one', () => {
  const room = takeRoom();
  expect(room.length).toBe(ROOM_SIZE);
  giveBackRoom(room);
  expect(takeRoom()).toBe(room);
});

test('an alarm rings once, at the earlier of two times, and not after its end', async () => {
  let rung = 0;
  const alarm = new Alarm(() => rung++);
  const start = Date.now();
  alarm.set(start + 60_000);
  alarm.set(start + 20);
  alarm.set(start + 40_000);
  await expect.poll(() => rung).toBe(1);
  expect(Date.now()).toBeGreaterThanOrEqual(start + 19);
  alarm.set(Date.now() + 20);
  alarm.end();
  await sleep(60);
  expect(rung).toBe(1);
});

test('an alarm beyond what a timer can count rings early rather than at once', async () => {
  let rung = 0;
  const alarm = new Alarm(() => rung++);
  alarm.set(Number.POSITIVE_INFINITY);
  await sleep(20);
  expect(rung).toBe(0);
  alarm.end();
});
