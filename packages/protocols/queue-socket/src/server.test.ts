import { afterEach, expect, test, vi } from 'vitest';
import type { ServeOptions } from './index.ts';
import {
  connectRaw,
  type Home,
  request,
  serveMemory as serveMemoryAt,
  until,
} from './testing/fake-server.ts';

let home: Home;

afterEach(() => {
  vi.useRealTimers();
  return home.remove();
});

async function serveMemory(options: ServeOptions = {}) {
  const served = await serveMemoryAt(options);
  home = served.home;
  return served;
}

test('an error gets its exit code, an unforeseen one 81, and both reach the log', async () => {
  const { calls, faults } = await serveMemory();
  const { socket, answers } = await connectRaw(home);
  socket.write(Buffer.concat([request('full'), request('bug'), request('fine')]));
  await until(() => answers() === '2:53,2:81,5:0 7 8,');
  expect(calls).toEqual(['abort', 'abort', 'message fine', 'commit']);
  expect(faults.length).toBe(2);
  socket.destroy();
});

test('the answer to an error does not wait for the rest of the message', async () => {
  await serveMemory();
  const { socket, answers } = await connectRaw(home);
  socket.write('100:full');
  await until(() => answers() === '2:53,');
  socket.write(`${'x'.repeat(96)},0:,4:Fa\0\0,`);
  socket.write(request('fine'));
  await until(() => answers() === '2:53,5:0 7 8,');
  socket.destroy();
});

test('a client that goes on sending a refused message without end is cut off', async () => {
  await serveMemory();
  const { socket, answers, ended } = await connectRaw(home);
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

test('an idle connection is closed after its time', async () => {
  const { calls } = await serveMemory({ idleSeconds: 0.05, messageSeconds: 600 });
  const idle = await connectRaw(home);
  await idle.ended;
  expect(idle.answers()).toBe('');
  expect(calls).toEqual([]);
});

test('a connection inside a message is closed after the time of a message, with 52', async () => {
  const { calls } = await serveMemory({ idleSeconds: 600, messageSeconds: 0.1 });
  const busy = await connectRaw(home);
  busy.socket.write('10:abc');
  await busy.ended;
  expect(busy.answers()).toBe('2:52,');
  expect(calls).toEqual(['abort']);
});

test('the time of a message counts for that message alone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  await serveMemory({ messageSeconds: 10 });
  const { socket, answers } = await connectRaw(home);
  for (let i = 1; i <= 8; i++) {
    // Each chunk ends one request and begins the next.
    socket.write(i === 1 ? '4:abcd' : ',0:,4:Fa\0\0,4:abcd');
    await until(() => answers().split('0 7 8').length === i);
    vi.advanceTimersByTime(9000);
  }
  socket.destroy();
});

test('closing ends idle connections and lets messages finish; cutting refuses those too', async () => {
  const closing = new AbortController();
  const cutting = new AbortController();
  const { begun } = await serveMemory({ closing: closing.signal, cutting: cutting.signal });
  const [idle, busy, slow] = [
    await connectRaw(home),
    await connectRaw(home),
    await connectRaw(home),
  ];
  busy.socket.write('4:ab');
  slow.socket.write('4:ab');
  await until(() => begun() === 2);
  closing.abort();
  await idle.ended;
  busy.socket.write('cd,0:,4:Fa\0\0,');
  await busy.ended;
  expect(busy.answers()).toBe('5:0 7 8,');
  cutting.abort();
  await slow.ended;
  expect(slow.answers()).toBe('2:71,');
});
