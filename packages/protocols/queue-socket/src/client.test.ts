import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { connectQueue, serveQueueConnection } from './index.ts';
import {
  type Home,
  MemorySink,
  serveMemory as serveMemoryAt,
  serveWith,
  until,
} from './testing/fake-server.ts';

let home: Home;

afterEach(() => home.remove());

async function listen(handle: (socket: Socket) => void): Promise<void> {
  home = await serveWith(handle);
}

async function serveMemory() {
  const served = await serveMemoryAt();
  home = served.home;
  return served;
}

async function sendOne(queue = connectQueue({ home: home.path, env: {} }), message = 'hello\n') {
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
  const queue = connectQueue({ home: home.path, env: {} });
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
  const queue = connectQueue({ home: home.path, env: {}, program: 'oneshot' });
  await sendOne(queue);
  await sendOne(queue);
  await until(() => open === 0);
  expect(connections).toBe(2);
});

test('a large message stops being sent when the server refuses it', async () => {
  await serveMemory();
  const writer = await connectQueue({ home: home.path, env: {} }).open();
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
  const queue = connectQueue({ home: home.path, env: {} });
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
  const queue = connectQueue({ home: home.path, env: {} });
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
  const queue = connectQueue({ home: home.path, env: {} });
  const commit = async (address: string) => (await (await queue.open()).commit(address, [])).code;
  expect(await commit('x'.repeat(1003))).toBe(11);
  expect(await commit('a\0b')).toBe(91);
  queue.close();
});

test('after commit or abort a writer does nothing more', async () => {
  const { calls } = await serveMemory();
  const queue = connectQueue({ home: home.path, env: {} });
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
