import { expect, test } from 'vitest';
import { type Held, Recent } from './recent.ts';

function held(name: string, size: number, released: string[]): Held {
  return { size, release: () => released.push(name) };
}

test('what was used last stays; the others go, oldest first, when there is no room', () => {
  const released: string[] = [];
  const recent = new Recent(100);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => held(name, 40, released)) as [Held, Held, Held];
  recent.use(a);
  recent.use(b);
  recent.use(a);
  recent.use(c);
  expect(released).toEqual(['b']);
  c.size = 90;
  recent.use(c);
  expect(released).toEqual(['b', 'a']);
});

test('one thing larger than all the room is held until the next comes', () => {
  const released: string[] = [];
  const recent = new Recent(10);
  recent.use(held('large', 1000, released));
  expect(released).toEqual([]);
  recent.use(held('next', 1, released));
  expect(released).toEqual(['large']);
});

test('what was dropped is not released, and takes no room', () => {
  const released: string[] = [];
  const recent = new Recent(100);
  const a = held('a', 90, released);
  recent.use(a);
  recent.drop(a);
  recent.use(held('b', 90, released));
  expect(released).toEqual([]);
  recent.clear();
  expect(released).toEqual(['b']);
});

test('each use is told', () => {
  let told = 0;
  const recent = new Recent(10, () => told++);
  recent.use(held('a', 1, []));
  recent.use(held('b', 1, []));
  expect(told).toBe(2);
});
