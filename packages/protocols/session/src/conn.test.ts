import { connect, createServer, type Socket } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { textOf } from '@q/bytes';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import {
  type Conn,
  type ConnOptions,
  connOf,
  connOfAccepted,
  Disconnected,
  LineTooLong,
  Timeout,
} from './index.ts';
import { AHEAD_MAX } from './limits.ts';

afterEach(() => {
  vi.useRealTimers();
});

interface Pair {
  readonly conn: Conn;
  readonly input: PassThrough;
  /** The writes that reached the peer, one entry each. */
  readonly writes: string[];
}

function pair(options: ConnOptions = {}): Pair {
  const input = new PassThrough();
  const writes: string[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writes.push(textOf(chunk));
      done();
    },
  });
  return { conn: connOf(input, output, options), input, writes };
}

async function linesOf(conn: Conn, limit = 100): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await conn.readLine(limit);
    if (line === undefined) return lines;
    lines.push(textOf(line));
  }
}

test('a line ends at LF and loses one CR, whatever the chunks are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 30 })),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      async (raw, sizes) => {
        const lines = raw.map((line) => textOf(Buffer.from(line.filter((byte) => byte !== 10))));
        const stream = Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1');
        const { conn, input } = pair();
        const seen = linesOf(conn);
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] as number;
          input.write(stream.subarray(at, at + size));
          at += size;
          if (i % 3 === 0) await new Promise(setImmediate);
        }
        input.end();
        expect(await seen).toEqual(lines);
      },
    ),
    { numRuns: 60 },
  );
});

test('a bare LF ends a line, only the last CR goes, and what follows the last LF is no line', async () => {
  const { conn, input } = pair();
  input.end('a\nb\r\r\n\r\nrest');
  expect(await linesOf(conn)).toEqual(['a', 'b\r', '']);
  expect(textOf((await conn.read()) as Buffer)).toBe('rest');
  expect(await conn.read()).toBeUndefined();
});

test('a line of exactly the limit passes, one byte more is refused and can be skipped', async () => {
  const { conn, input } = pair();
  input.write('12345\r\n123456\r\n12345\n123456');
  expect(textOf((await conn.readLine(5)) as Buffer)).toBe('12345');
  await expect(conn.readLine(5)).rejects.toThrow(LineTooLong);
  await expect(conn.readLine(5)).rejects.toThrow(LineTooLong);
  expect(await conn.skipLine()).toBe(true);
  expect(textOf((await conn.readLine(5)) as Buffer)).toBe('12345');
  input.write('7');
  await expect(conn.readLine(5)).rejects.toThrow(LineTooLong);
  const skipped = conn.skipLine();
  input.end('x'.repeat(200_000));
  expect(await skipped).toBe(false);
});

test('an endless line is refused at once, without collecting it', async () => {
  const { conn, input } = pair();
  const line = conn.readLine(100);
  input.write('y'.repeat(101));
  input.write('y');
  await expect(line).rejects.toThrow(LineTooLong);
});

test('tryLine gives only what has arrived', async () => {
  const { conn, input } = pair();
  input.write('one\r\ntwo\r\nthr');
  await new Promise(setImmediate);
  expect(textOf(conn.tryLine(10) as Buffer)).toBe('one');
  expect(textOf(conn.tryLine(10) as Buffer)).toBe('two');
  expect(conn.tryLine(10)).toBeUndefined();
  input.write('ee\n');
  await new Promise(setImmediate);
  expect(textOf(conn.tryLine(10) as Buffer)).toBe('three');
});

test('bytes that were put back come first', async () => {
  const { conn, input } = pair();
  input.write('abcdef');
  const bytes = (await conn.read()) as Buffer;
  conn.unread(bytes.subarray(4));
  conn.unread(Buffer.from('34'));
  input.end('\n');
  expect(textOf((await conn.readLine(10)) as Buffer)).toBe('34ef');
});

test('replies leave in one write when the session waits for input', async () => {
  const { conn, input, writes } = pair();
  input.write('a\nb\nc\n');
  const session = (async () => {
    conn.write('greeting\r\n');
    for (let line = await conn.readLine(9); line; line = await conn.readLine(9)) {
      conn.write(`ok ${textOf(line)}\r\n`);
    }
    await conn.close();
  })();
  await expect.poll(() => writes.join('')).toContain('ok c');
  input.end('d\n');
  await session;
  expect(writes).toEqual(['greeting\r\nok a\r\nok b\r\nok c\r\n', 'ok d\r\n']);
});

test('a character that is not a byte is never cut down to one', async () => {
  const { conn } = pair();
  conn.write('\u010a');
  await expect(conn.flush()).rejects.toThrow(RangeError);
});

test('discardInput forgets all plain text that has arrived', async () => {
  const { conn, input } = pair();
  input.write('STARTTLS\r\nNOOP\r\nRSET');
  await conn.readLine(100);
  expect(conn.discardInput()).toBe(10);
  input.write('\r\nnew\r\n');
  expect(textOf((await conn.readLine(100)) as Buffer)).toBe('');
});

test('a silent peer, a passed deadline and a stop are told apart', async () => {
  const idle = pair({ idleTimeout: 0.02 });
  await expect(idle.conn.readLine(9)).rejects.toMatchObject({ name: 'Timeout', reason: 'idle' });
  const late = pair({ idleTimeout: 900, deadline: Date.now() + 20 });
  await expect(late.conn.read()).rejects.toMatchObject({ reason: 'deadline' });
  const stopped = pair();
  const line = stopped.conn.readLine(9);
  stopped.conn.stop(600);
  await expect(line).rejects.toMatchObject({ reason: 'stop' });
});

test('a trickle does not move the deadline', async () => {
  const { conn, input } = pair({ idleTimeout: 900, deadline: Date.now() + 50 });
  const trickle = setInterval(() => input.write('x'), 5);
  const line = conn.readLine(1_000_000);
  await expect(line).rejects.toMatchObject({ reason: 'deadline' });
  clearInterval(trickle);
});

test('a stop leaves a session that is in the middle of something its grace', async () => {
  const { conn, input } = pair();
  const half = conn.read();
  conn.stop(600);
  input.write('rest');
  expect(textOf((await half) as Buffer)).toBe('rest');
  await expect(conn.readLine(9)).rejects.toThrow(Timeout);
});

test('flush waits while the peer is slow, and gives up after the idle time', async () => {
  const taken: (() => void)[] = [];
  const output = new Writable({
    highWaterMark: 10,
    write: (_chunk, _encoding, done) => void taken.push(done),
  });
  const conn = connOf(new PassThrough(), output, { idleTimeout: 900 });
  conn.write('x'.repeat(20));
  let flushed = false;
  const flush = conn.flush().then(() => {
    flushed = true;
  });
  await new Promise(setImmediate);
  expect(flushed).toBe(false);
  taken.shift()?.();
  await flush;
  conn.idleTimeout = 0.02;
  conn.write('x'.repeat(20));
  await expect(conn.flush()).rejects.toThrow(Timeout);
});

test('a large batch goes out whole', async () => {
  const { conn, writes } = pair();
  for (let i = 0; i < 100; i++) conn.write(Buffer.alloc(1000, 65 + (i % 26)));
  await conn.flush();
  await conn.close();
  expect(writes.join('').length).toBe(100_000);
});

test('a peer is not read faster than the session asks, and loses nothing by it', async () => {
  const input = new PassThrough();
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const conn = connOf(input, output);
  const chunk = Buffer.alloc(65_536, 'x');
  const many = 64;
  let given = 0;
  const feed = () => {
    while (given < many) {
      given++;
      if (!input.write(chunk)) return void input.once('drain', feed);
    }
    input.end();
  };
  feed();
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  expect(given * chunk.length).toBeLessThan(AHEAD_MAX + 4 * chunk.length);
  let seen = 0;
  for (let bytes = await conn.read(); bytes; bytes = await conn.read()) seen += bytes.length;
  expect(seen).toBe(many * chunk.length);
});

test('waits that were long enough ago leave no timer behind that ends a later one', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const { conn, input } = pair({ idleTimeout: 60 });
  for (let i = 0; i < 4; i++) {
    const line = conn.readLine(9);
    vi.advanceTimersByTime(50_000);
    input.write('x\n');
    expect(textOf((await line) as Buffer)).toBe('x');
  }
  const late = conn.readLine(9);
  vi.advanceTimersByTime(60_000);
  await expect(late).rejects.toMatchObject({ reason: 'idle' });
});

async function socketPair(): Promise<{ server: Socket; client: Socket; done: () => void }> {
  const listener = createServer({ allowHalfOpen: true });
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready));
  const { port } = listener.address() as { port: number };
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const server = await accepted;
  const done = () => {
    client.destroy();
    server.destroy();
    listener.close();
  };
  return { server, client, done };
}

test('a peer that is gone ends reading and makes writing fail', async () => {
  const { server, client, done } = await socketPair();
  const conn = connOf(server, server);
  client.on('error', () => {});
  client.resetAndDestroy();
  await expect
    .poll(async () => {
      conn.write('x'.repeat(1000));
      return conn.flush().then(
        () => undefined,
        (error) => error,
      );
    })
    .toBeInstanceOf(Disconnected);
  await expect(conn.readLine(10)).rejects.toThrow(Disconnected);
  await conn.close();
  done();
});

test('an answer that cannot be written ends the wait for input that stays open', async () => {
  const written: ((error: Error) => void)[] = [];
  const output = new Writable({ write: (_chunk, _encoding, done) => void written.push(done) });
  const conn = connOf(new PassThrough(), output);
  conn.write('220 hello\r\n');
  const reading = conn.readLine(100);
  await new Promise(setImmediate);
  const cause = new Error('ENOSPC');
  written[0]?.(cause);
  await expect(reading).rejects.toMatchObject({ name: 'Disconnected', cause });
  await expect(conn.read()).rejects.toThrow(Disconnected);
});

test('what had arrived before an answer failed is still read', async () => {
  const written: ((error: Error) => void)[] = [];
  const output = new Writable({ write: (_chunk, _encoding, done) => void written.push(done) });
  const input = new PassThrough();
  const conn = connOf(input, output);
  conn.write('354 go on\r\n');
  const reading = conn.readLine(100);
  await new Promise(setImmediate);
  input.write('one\r\ntwo\r\n');
  written[0]?.(new Error('EPIPE'));
  expect(textOf((await reading) as Buffer)).toBe('one');
  expect(textOf((await conn.readLine(100)) as Buffer)).toBe('two');
  await expect(conn.readLine(100)).rejects.toThrow(Disconnected);
});

test('what is put back of borrowed bytes stays, however much is borrowed after it', async () => {
  const listener = createServer({ allowHalfOpen: true });
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready));
  const { port } = listener.address() as { port: number };
  const accepted = new Promise<Conn>((resolve) =>
    listener.once('connection', (socket) => resolve(connOfAccepted(socket))),
  );
  const client = connect({ port, host: '127.0.0.1' });
  const conn = await accepted;
  let seen = '';
  client.write('DATA\r\n');
  expect(textOf((await conn.readLine(9)) as Buffer)).toBe('DATA');
  for (let turn = 0; turn < 50; turn++) {
    client.write(`body ${turn}.QUIT ${turn}\r\n`);
    let body = '';
    while (!body.endsWith('.')) {
      const chunk = (await conn.borrow()) as Buffer;
      const end = chunk.indexOf(46) + 1;
      body += textOf(end === 0 ? chunk : chunk.subarray(0, end));
      if (end === 0) continue;
      conn.unread(chunk.subarray(end));
      chunk.fill('x');
    }
    seen += body;
    expect(textOf((await conn.readLine(20)) as Buffer)).toBe(`QUIT ${turn}`);
  }
  expect(seen).toBe(Array.from({ length: 50 }, (_, turn) => `body ${turn}.`).join(''));
  client.destroy();
  await conn.close();
  listener.close();
});

test('the last reply reaches a peer that is still sending when the session ends', async () => {
  const { server, client, done } = await socketPair();
  const conn = connOf(server, server, { linger: 5 });
  client.write(Buffer.alloc(400_000));
  await conn.read();
  conn.write('451 enough\r\n');
  const closed = conn.close();
  let heard = '';
  for await (const chunk of client) heard += textOf(chunk);
  expect(heard).toBe('451 enough\r\n');
  client.end();
  await closed;
  done();
});

test('a half-closed client still gets its answer', async () => {
  const { server, client, done } = await socketPair();
  const conn = connOf(server, server);
  client.end('QUIT\r\n');
  expect(textOf((await conn.readLine(10)) as Buffer)).toBe('QUIT');
  expect(await conn.readLine(10)).toBeUndefined();
  conn.write('221 bye\r\n');
  await conn.close();
  let heard = '';
  for await (const chunk of client) heard += textOf(chunk);
  expect(heard).toBe('221 bye\r\n');
  done();
});
