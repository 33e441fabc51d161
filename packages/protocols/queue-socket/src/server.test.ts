import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeNetstring } from '@q/bytes';
import { Temporary } from '@q/fault';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectQueue, type QueueSink, type ServeOptions, serveQueueConnection } from './index.ts';

let home: string;
let server: Server;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'qs-'));
});
afterEach(() => {
  server.close();
  rmSync(home, { recursive: true });
});

/** Serves home/run/queue.socket with whatever `handle` does. */
async function listen(handle: (socket: Socket) => void): Promise<void> {
  mkdirSync(join(home, 'run'), { recursive: true });
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    handle(socket);
  });
  server.listen({ path: join(home, 'run/queue.socket') });
  await once(server, 'listening');
}

class MemorySink implements QueueSink {
  readonly calls: string[];
  message = '';
  constructor(calls: string[]) {
    this.calls = calls;
  }
  async write(bytes: Buffer): Promise<void> {
    this.message += bytes.toString('latin1');
    if (this.message.startsWith('full')) throw new Temporary('disk full', { exitCode: 53 });
    if (this.message.startsWith('bug')) throw new TypeError('undefined is not a function');
  }
  async endMessage(): Promise<void> {
    this.calls.push(`message ${this.message.slice(0, 10)}`);
  }
  async writeEnvelope(): Promise<void> {}
  async commit() {
    this.calls.push('commit');
    return { number: '7', qp: '8' };
  }
  async abort(): Promise<void> {
    this.calls.push('abort');
  }
}

async function serveMemory(options: ServeOptions = {}) {
  const calls: string[] = [];
  const faults: unknown[] = [];
  await listen((socket) => {
    const handlers = {
      begin: () => new MemorySink(calls),
      onFault: (e: unknown) => faults.push(e),
    };
    void serveQueueConnection(socket, handlers, options);
  });
  return { calls, faults };
}

async function raw() {
  const socket = createConnection({ path: join(home, 'run/queue.socket') });
  socket.on('error', () => {});
  let answers = '';
  socket.on('data', (chunk) => {
    answers += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  return {
    socket,
    answers: () => answers,
    ended: new Promise((done) => socket.once('close', done)),
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !condition(); await sleep(5))
    if (Date.now() > end) throw new Error('waited in vain');
}

const request = (message: string) =>
  Buffer.concat([
    encodeNetstring(Buffer.from(message)),
    Buffer.from('0:,'),
    encodeNetstring(Buffer.from('Fa\0\0')),
  ]);

test('an error gets its exit code, an unforeseen one 81, and both reach the log', async () => {
  const { calls, faults } = await serveMemory();
  const { socket, answers } = await raw();
  socket.write(Buffer.concat([request('full'), request('bug'), request('fine')]));
  await until(() => answers() === '2:53,2:81,5:0 7 8,');
  expect(calls).toEqual(['abort', 'abort', 'message fine', 'commit']);
  expect(faults.length).toBe(2);
  socket.destroy();
});

test('the answer to an error does not wait for the rest of the message', async () => {
  await serveMemory();
  const { socket, answers } = await raw();
  socket.write('100:full');
  await until(() => answers() === '2:53,');
  socket.write(`${'x'.repeat(96)},0:,4:Fa\0\0,`);
  socket.write(request('fine'));
  await until(() => answers() === '2:53,5:0 7 8,');
  socket.destroy();
});

test('a client that goes on sending a refused message without end is cut off', async () => {
  await serveMemory();
  const { socket, answers, ended } = await raw();
  socket.write('2000000000:full');
  const block = Buffer.alloc(1 << 20);
  let sent = 0;
  const more = () => {
    while (!socket.destroyed && socket.write(block)) sent++;
  };
  socket.on('drain', more);
  more();
  await ended;
  expect(answers()).toBe('2:53,');
  expect(sent).toBeLessThan(200);
});

test('an idle connection is closed after its time, one inside a message with 52', async () => {
  const { calls } = await serveMemory({ idleSeconds: 0.05, messageSeconds: 0.2 });
  const idle = await raw();
  const busy = await raw();
  busy.socket.write('10:abc');
  await Promise.all([idle.ended, busy.ended]);
  expect([idle.answers(), busy.answers()]).toEqual(['', '2:52,']);
  expect(calls).toEqual(['abort']);
});

test('the time of a message counts for that message alone', async () => {
  await serveMemory({ messageSeconds: 0.4 });
  const { socket, answers } = await raw();
  for (let i = 1; i <= 4; i++) {
    // Each chunk ends one request and begins the next.
    socket.write(i === 1 ? '4:abcd' : ',0:,4:Fa\0\0,4:abcd');
    await sleep(200);
    await until(() => answers().split('0 7 8').length === i);
  }
  socket.destroy();
});

test('closing ends idle connections and lets messages finish; cutting refuses those too', async () => {
  const closing = new AbortController();
  const cutting = new AbortController();
  await serveMemory({ closing: closing.signal, cutting: cutting.signal });
  const [idle, busy, slow] = [await raw(), await raw(), await raw()];
  busy.socket.write('4:ab');
  slow.socket.write('4:ab');
  await sleep(50);
  closing.abort();
  await idle.ended;
  busy.socket.write('cd,0:,4:Fa\0\0,');
  await busy.ended;
  expect(busy.answers()).toBe('5:0 7 8,');
  cutting.abort();
  await slow.ended;
  expect(slow.answers()).toBe('2:71,');
});

async function sendOne(queue = connectQueue({ home, env: {} }), message = 'hello\n') {
  const writer = await queue.open();
  await writer.write(Buffer.from(message));
  return writer.commit('a@b', ['c@d']);
}

test('a client gets number and text, and uses its connection again', async () => {
  let connections = 0;
  const calls: string[] = [];
  await listen((socket) => {
    connections++;
    void serveQueueConnection(socket, { begin: () => new MemorySink(calls) });
  });
  const queue = connectQueue({ home, env: {} });
  expect(await sendOne(queue)).toEqual({ code: 0, text: 'K', qp: '8' });
  expect(await sendOne(queue)).toEqual({ code: 0, text: 'K', qp: '8' });
  expect(await sendOne(queue, 'full')).toEqual({
    code: 53,
    text: 'Zqq write error or disk full (#4.3.0)',
  });
  expect(await sendOne(queue)).toEqual({ code: 0, text: 'K', qp: '8' });
  expect(connections).toBe(1);
  queue.close();
});

test('a one-shot client keeps no connection', async () => {
  let connections = 0;
  let open = 0;
  await listen((socket) => {
    connections++;
    open++;
    void serveQueueConnection(socket, { begin: () => new MemorySink([]) }).then(() => open--);
  });
  const queue = connectQueue({ home, env: {}, program: 'oneshot' });
  await sendOne(queue);
  await sendOne(queue);
  await until(() => open === 0);
  expect(connections).toBe(2);
});

test('a large message stops being sent when the server refuses it', async () => {
  await serveMemory();
  const writer = await connectQueue({ home, env: {} }).open();
  let blocks = 0;
  for (; blocks < 1000 && !writer.failed; blocks++) {
    await writer.write(Buffer.alloc(65_536, blocks === 0 ? 'full' : 'x'));
    await new Promise(setImmediate);
  }
  expect(blocks).toBeLessThan(1000);
  expect((await writer.commit('a@b', [])).code).toBe(53);
});

test('a message goes out again when the server closed a kept connection without reading it', async () => {
  let connections = 0;
  await listen((socket) => {
    connections++;
    if (connections > 1) {
      void serveQueueConnection(socket, { begin: () => new MemorySink([]) });
      return;
    }
    // Serves one message; what comes next it leaves unread and closes.
    socket.once('data', () => {
      socket.pause();
      (socket as unknown as { _handle: { readStop(): void } })._handle.readStop();
      socket.write('5:0 7 8,', () => {
        const peek = setInterval(() => {
          if (!secondSent) return;
          clearInterval(peek);
          socket.destroy();
        }, 5);
      });
    });
  });
  let secondSent = false;
  const queue = connectQueue({ home, env: {} });
  await sendOne(queue);
  const second = sendOne(queue);
  await sleep(50);
  secondSent = true;
  expect((await second).code).toBe(0);
  expect(connections).toBe(2);
  queue.close();
});

test('a message that the server has read whole is not sent again when no answer comes', async () => {
  let requests = 0;
  await listen((socket) => {
    socket.on('data', () => {
      requests++;
      if (requests === 1) socket.write('5:0 7 8,');
      else socket.destroy();
    });
  });
  const queue = connectQueue({ home, env: {} });
  await sendOne(queue);
  expect(await sendOne(queue)).toEqual({
    code: 74,
    text: 'Zcommunication with mail server failed (#4.4.2)',
  });
  expect(requests).toBe(2);
});

test.each(['2:xx,', '1:0,', 'rubbish', '5:0 7 8;'])(
  'an answer like %j is a broken connection, not success',
  async (answer) => {
    await listen((socket) => socket.on('data', () => socket.write(answer)));
    expect((await sendOne()).code).toBe(74);
  },
);

test('what is refused at the door is temporary', async () => {
  await listen((socket) => socket.end('2:71,'));
  const result = await sendOne();
  expect(result.text).toMatch(/^Z/);
  expect([71, 74]).toContain(result.code);
});

test('an address that no envelope can hold is told without a connection', async () => {
  await serveMemory();
  const queue = connectQueue({ home, env: {} });
  const commit = async (address: string) => (await (await queue.open()).commit(address, [])).code;
  expect(await commit('x'.repeat(1003))).toBe(11);
  expect(await commit('a\0b')).toBe(91);
  queue.close();
});

test('after commit or abort a writer does nothing more', async () => {
  const { calls } = await serveMemory();
  const queue = connectQueue({ home, env: {} });
  const writer = await queue.open();
  await writer.commit('a@b', []);
  await writer.write(Buffer.from('late'));
  writer.abort();
  expect((await writer.commit('a@b', [])).code).toBe(81);
  const other = await queue.open();
  other.abort();
  expect((await other.commit('a@b', [])).code).toBe(81);
  expect(calls).toEqual(['message ', 'commit']);
  queue.close();
});
