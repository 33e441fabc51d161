import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Remembered } from './remembered.ts';
import { useMaildir } from './testing/maildir.ts';

const maildir = useMaildir();

/** Counts the readings, which are objects that are held on to. */
function counting(now: () => number) {
  const readings: object[] = [];
  const read = () => {
    const reading = { number: readings.length };
    readings.push(reading);
    return reading;
  };
  return { readings, remembered: new Remembered(maildir.root, read, now) };
}

test('what has not changed is read once, what has changed is read again', () => {
  const { readings, remembered } = counting(() => Date.now() + 60_000);
  expect(remembered.get()).toBe(remembered.get());
  expect(readings.length).toBe(1);
  utimesSync(maildir.root, 1, 1);
  expect(remembered.get()).toBe(readings[1]);
});

test('what changed just now is read again: it may change once more within the tick', () => {
  const { readings, remembered } = counting(() => Date.now());
  utimesSync(maildir.root, 4_000_000_000, 4_000_000_000);
  remembered.get();
  remembered.get();
  expect(readings.length).toBe(2);
});

test('a path that leads nowhere is a fault', () => {
  const remembered = new Remembered(join(maildir.root, 'none'), () => 0);
  expect(() => remembered.get()).toThrow('unable to stat');
});
