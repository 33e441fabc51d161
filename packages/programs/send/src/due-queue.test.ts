import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueQueue } from './due-queue.ts';

const id = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }).map(String);

test('entries come out in the order of their times and then of their numbers, each exactly once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), id)), (entries) => {
      const queue = new DueQueue();
      for (const [at, name] of entries) queue.push(at, name);
      expect([...queue.entries()].length).toBe(entries.length);
      const out: [number, string][] = [];
      for (let due = queue.takeDue(50); due !== undefined; due = queue.takeDue(50)) {
        out.push([due.at, due.id]);
      }
      const inOrder = [...entries].sort(
        ([at, one], [otherAt, other]) => at - otherAt || (BigInt(one) < BigInt(other) ? -1 : 1),
      );
      expect(out).toEqual(inOrder);
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
  const out: number[] = [];
  for (let due = queue.takeDue(5); due; due = queue.takeDue(5)) out.push(Number(due.id));
  expect(out).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

test('the largest inode number keeps its last digit', () => {
  const queue = new DueQueue();
  queue.push(1, '18446744073709551615');
  expect(queue.takeDue(1)?.id).toBe('18446744073709551615');
});
