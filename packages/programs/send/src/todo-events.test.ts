import { linkSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TodoEvents } from './todo-events.ts';

let dir: string;
let todo: string;
let arrived: string[];
let events: TodoEvents;
const taken = new Set<string>();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'events-'));
  todo = mkdtempSync(join(dir, 'todo-'));
  writeFileSync(join(dir, 'file'), '');
  arrived = [];
  taken.clear();
  events = new TodoEvents(
    todo,
    (id) => taken.has(id),
    (id) => arrived.push(id),
  );
});
afterEach(() => {
  events.close();
  rmSync(dir, { recursive: true });
});

const arrive = (id: string) => linkSync(join(dir, 'file'), join(todo, id));
const leave = (id: string) => unlinkSync(join(todo, id));

async function seen(id: string): Promise<void> {
  while (!arrived.includes(id)) await sleep(5);
}

/** All events so far have been told when that of a new name has been. */
let marks = 1_000_000;
async function toldAll(): Promise<void> {
  const mark = String(marks++);
  arrive(mark);
  await seen(mark);
  arrived.splice(arrived.indexOf(mark), 1);
}

test('an arrival is told by its number, and what is no message is not', async () => {
  arrive('123');
  arrive('x');
  arrive('0123');
  await seen('123');
  await toldAll();
  expect(arrived).toEqual(['123']);
  expect(events.working).toBe(true);
});

test('a removal is no arrival, whether its event or its end comes first; the number may come back', async () => {
  for (const order of ['event first', 'end first'] as const) {
    arrive('5');
    await seen('5');
    taken.add('5');
    leave('5');
    if (order === 'event first') await toldAll();
    events.removed('5');
    taken.delete('5');
    await toldAll();
    expect(arrived).toEqual(['5']);
    arrive('5');
    await toldAll();
    expect(arrived).toEqual(['5', '5']);
    leave('5');
    await toldAll();
    arrived.length = 0;
  }
});

test('without the directory nothing is told, and that is known', () => {
  const none = new TodoEvents(
    join(dir, 'none'),
    () => false,
    () => {},
  );
  expect(none.working).toBe(false);
  none.removed('1');
  none.close();
});
