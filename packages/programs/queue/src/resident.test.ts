import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEnvelope } from '@q/address';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { client, connectRaw, netstring, request, send } from './testing/client.ts';
import {
  debris,
  type Instance,
  makeInstance,
  queuedMessages,
  removeInstance,
  startServer,
  until,
} from './testing/instance.ts';

let instance: Instance;

beforeEach(async () => {
  instance = await makeInstance();
});
afterEach(() => removeInstance(instance));

const serve = (options?: { lifeline?: boolean }) => startServer(instance, options);

test("one connection serves many messages; the first has the peer's pid, the others their number", async () => {
  await serve();
  const queue = client(instance.home);
  const results = [await send(queue, 'one\n'), await send(queue, 'two\n')];
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
  const queue = client(instance.home);
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
  const connection = await connectRaw(instance.home);
  let answered = 0;
  const property = fc.asyncProperty(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 }),
    fc.integer({ min: 1, max: 90 }),
    async (pieces, step) => {
      const bytes = Buffer.concat([
        ...pieces.map((piece) => netstring(piece)),
        Buffer.from('0:,'),
        netstring(encodeEnvelope('s@x', ['r@y'])),
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
  const queue = client(instance.home);
  const total = 1000;
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let n = next++; n < total; n = next++)
        expect((await send(queue, `${n}\n${'x'.repeat(4000)}`)).code).toBe(0);
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
    const { socket, ended } = await connectRaw(instance.home);
    await new Promise<void>((done) => socket.write(bytes.subarray(0, cut), () => done()));
    socket.destroy();
    await ended;
  }
  const writer = await client(instance.home).open();
  await writer.write(Buffer.alloc(300_000));
  writer.abort();
  expect((await send(client(instance.home), 'the server goes on\n')).code).toBe(0);
  await until(() => debris(instance.home).length === 0);
  expect(queuedMessages(instance.home).length).toBe(1);
  expect(server.log()).not.toContain('uid');
});

test('an error is answered at once, the rest of that message is passed over, and the next one is served', async () => {
  await serve();
  const { socket, answers } = await connectRaw(instance.home);
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
    const { socket, answers, ended } = await connectRaw(instance.home);
    socket.write(garbage);
    await ended;
    expect(answers()).toBe('2:91,');
  }
  expect(debris(instance.home)).toEqual([]);
});

test('requests may be sent without waiting, and the last one be followed by end of file', async () => {
  await serve();
  const { socket, answers, ended } = await connectRaw(instance.home);
  socket.end(Buffer.concat([request('1'), request('2'), request('3')]));
  await ended;
  expect(answers()).toMatch(/^(\d+:0 \d+ \d+,){3}$/);
});
