import { expect, test } from 'vitest';
import { Lanes } from './lanes.ts';

test('new mail and waiting mail are served in turn, each by its time, however many there are', () => {
  const lanes = new Lanes();
  for (let i = 0; i < 100; i++) lanes.push(i, `1${i}`, false);
  lanes.push(500, '7', true);
  lanes.push(400, '8', true);
  const taken = Array.from({ length: 6 }, () => lanes.takeDue(1000));
  expect(taken).toEqual(['8', '10', '7', '11', '12', '13']);
  expect(lanes.nextAt()).toBe(4);
});

test('a lane whose mail is not due leaves its turn to the other', () => {
  const lanes = new Lanes();
  lanes.push(10, '1', false);
  lanes.push(20, '2', true);
  expect(lanes.takeDue(10)).toBe('1');
  expect(lanes.takeDue(10)).toBeUndefined();
  lanes.makeAllDue(5);
  expect(lanes.takeDue(10)).toBe('2');
  expect([...lanes.entries()]).toEqual([]);
});
