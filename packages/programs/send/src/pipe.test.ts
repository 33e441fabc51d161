import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { Batch } from './pipe.ts';

/** An end whose writes the test completes. */
function slowEnd() {
  const written: string[] = [];
  let done = () => {};
  const output = new Writable({
    write(chunk: Buffer, _encoding, next) {
      written.push(chunk.toString('latin1'));
      done = () => next();
    },
  });
  return { written, output: output as unknown as Socket, complete: () => done() };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test('what is added in one turn is one write, and what is added during a write is the next', async () => {
  const end = slowEnd();
  let drained = 0;
  const batch = new Batch(end.output, () => drained++);
  for (const piece of ['a', 'b', 'c']) batch.add(Buffer.from(piece));
  expect(end.written).toEqual([]);
  await turn();
  expect(end.written).toEqual(['abc']);
  batch.add(Buffer.from('d'));
  await turn();
  batch.add(Buffer.from('e'));
  await turn();
  expect(end.written).toEqual(['abc']);
  expect(batch.held).toBe(5);
  end.complete();
  await turn();
  expect(end.written).toEqual(['abc', 'de']);
  expect([batch.held, drained]).toEqual([2, 0]);
  end.complete();
  await turn();
  expect([batch.held, drained]).toEqual([0, 1]);
  batch.add(Buffer.from('f'));
  batch.flush();
  expect(end.written.at(-1)).toBe('f');
  await turn();
  expect(end.written.length).toBe(3);
});

test('what is in no hurry goes with what is added next, or else after its time', async () => {
  const end = slowEnd();
  const batch = new Batch(end.output);
  batch.addPatiently(Buffer.from('a'), 3_600_000);
  await turn();
  expect(end.written).toEqual([]);
  batch.add(Buffer.from('b'));
  await turn();
  expect(end.written).toEqual(['ab']);
  end.complete();
  await turn();
  batch.addPatiently(Buffer.from('c'), 1);
  await vi.waitFor(() => expect(end.written).toEqual(['ab', 'c']), { timeout: 60_000 });
});
