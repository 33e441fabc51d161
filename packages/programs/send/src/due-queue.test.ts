import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueQueue } from './due-queue.ts';

const id = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }).map(String);

test('entries come out in the order of their times, each exactly once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), id)), (entries) => {
      const queue = new DueQueue();
      for (const [at, name] of entries) queue.push(at, name);
      expect([...queue.entries()].length).toBe(entries.length);
      const out: [number, string][] = [];
      for (let due = queue.takeDue(50); due !== undefined; due = queue.takeDue(50)) {
        out.push([due.at, due.id]);
      }
      expect(out.map(([at]) => at)).toEqual(entries.map(([at]) => at).sort((a, b) => a - b));
      const key = (entry: readonly [number, string]) => entry.join();
      expect(out.map(key).sort()).toEqual(entries.map(key).sort());
      expect(queue.size).toBe(0);
    }),
  );
});

test('nothing is taken before it is due', () => {
  const queue = new DueQueue();
  queue.push(100, '7');
  expect(queue.takeDue(99)).toBeUndefined();
  expect(queue.nextAt()).toBe(100);
  expect(queue.takeDue(100)).toEqual({ at: 100, id: '7' });
  expect(queue.nextAt()).toBeUndefined();
});

test('an alarm makes everything due at once', () => {
  const queue = new DueQueue();
  for (let i = 0; i < 200; i++) queue.push(1000 + ((i * 37) % 200), String(i));
  queue.makeAllDue(5);
  const seen = new Set<string>();
  for (let due = queue.takeDue(5); due !== undefined; due = queue.takeDue(5)) seen.add(due.id);
  expect(seen.size).toBe(200);
});

test('the largest inode number keeps its last digit', () => {
  const queue = new DueQueue();
  queue.push(1, '18446744073709551615');
  expect(queue.takeDue(1)?.id).toBe('18446744073709551615');
});
