import { PassThrough, Writable } from 'node:stream';
import { connOf } from '@q/session';
import { expect, test } from 'vitest';
import { type Row, serveCommands } from './index.ts';

interface Counter {
  runs: number;
}

const HUGE = 'x'.repeat(50_000);
const TABLE: readonly Row<{ conn: ReturnType<typeof connOf> } & Counter>[] = [
  {
    verb: 'MUCH',
    run: (state) => {
      state.runs++;
      state.conn.write(HUGE);
      return 'next';
    },
  },
  { verb: 'QUIT', run: () => 'stop' },
  { verb: '', run: () => 'bad' },
];

test('a client that pipelines and does not read is not answered into memory', async () => {
  const input = new PassThrough();
  // Takes the first write and never asks for more.
  const output = new Writable({ highWaterMark: 1000, write: () => {} });
  const conn = connOf(input, output, { idleTimeout: 0.3 });
  const state = { conn, runs: 0 };
  input.write('MUCH\r\n'.repeat(5000));
  await expect(serveCommands(conn, TABLE, state)).rejects.toThrow('timeout');
  expect(state.runs).toBeLessThan(10);
});

test('serving ends by a handler’s word, by the end of input, or by nonsense', async () => {
  const serve = (text: string) => {
    const input = new PassThrough();
    input.end(text);
    const output = new PassThrough();
    output.resume();
    const conn = connOf(input, output);
    return serveCommands(conn, TABLE, { conn, runs: 0 });
  };
  expect(await serve('quit\r\n')).toBe('stop');
  expect(await serve('MUCH\nMUCH\n')).toBe('eof');
  expect(await serve('what\r\n'.repeat(20))).toBe('abuse');
  expect(await serve(`${'what\r\n'.repeat(19)}MUCH\r\nwhat\r\n`)).toBe('eof');
  expect(await serve('x'.repeat(5000))).toBe('abuse');
});
