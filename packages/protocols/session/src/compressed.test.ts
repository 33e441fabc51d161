import { type Duplex, PassThrough } from 'node:stream';
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type Conn, connOf } from './index.ts';

/** A compressed connection, and the other end's streams: what is written to `say` comes in, `heard` is what went out. */
async function compressed(): Promise<{
  conn: Conn;
  say: PassThrough;
  heard: () => string;
  wire: Duplex;
}> {
  const input = new PassThrough();
  const output = new PassThrough();
  const conn = connOf(input, output);
  conn.write('OK\r\n');
  const clear = new Promise<string>((resolve) =>
    output.once('data', (chunk) => resolve(String(chunk))),
  );
  await conn.compress();
  expect(await clear).toBe('OK\r\n');
  const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
  const inflate = createInflateRaw({ flush: constants.Z_SYNC_FLUSH });
  deflate.pipe(input);
  output.pipe(inflate);
  let heard = '';
  inflate.on('data', (chunk) => {
    heard += String(chunk);
  });
  const say = new PassThrough();
  say.pipe(deflate);
  return { conn, say, heard: () => heard, wire: input };
}

test('lines come and go compressed, each batch readable at once', async () => {
  const { conn, say, heard } = await compressed();
  for (const word of ['one', 'two', 'three']) {
    say.write(`${word}\r\n`);
    expect(String(await conn.readLine(100))).toBe(word);
    conn.write(`* ${word}\r\n`);
    await conn.flush();
    await expect.poll(heard).toMatch(new RegExp(`${word}\r\n$`));
  }
  say.end();
  expect(await conn.readLine(100)).toBeUndefined();
  await conn.close();
});

test('what was sent with the last line in clear is the beginning of the compressed part', async () => {
  const input = new PassThrough();
  const conn = connOf(input, new PassThrough());
  input.write(Buffer.concat([Buffer.from('COMPRESS\r\n'), deflateRawSync('NOOP\r\n')]));
  expect(String(await conn.readLine(100))).toBe('COMPRESS');
  await conn.compress();
  expect(String(await conn.readLine(100))).toBe('NOOP');
  conn.destroy();
});

test('bytes that stand for gigabytes are not made before they are asked for', async () => {
  const { conn, wire } = await compressed();
  const zeros = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  const before = process.memoryUsage().arrayBuffers;
  wire.write(zeros);
  expect(await conn.read()).toBeInstanceOf(Buffer);
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  conn.destroy();
});

test('bytes that are not compressed are the end of the connection', async () => {
  const { conn, wire } = await compressed();
  wire.write('NOOP in clear, by mistake\r\n');
  expect(await conn.readLine(100)).toBeUndefined();
  await conn.close();
});
