import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSelected, matches, type Selection } from './selection.ts';

const ANY: Selection = { ids: [], sender: undefined, recipient: undefined, older: undefined };
const HEAD = { id: '1', sender: 'Joe@Example.org', birth: 1000, size: 1, bouncing: false };

test.each([
  ['joe@example.org', true],
  ['*@example.org', true],
  ['joe@*', true],
  ['*', true],
  ['j?e@*.org', true],
  ['joe', false],
  ['example.org', false],
  ['j?oe@example.org', false],
  ['', false],
])('the pattern %s', (pattern, expected) => {
  expect(matches(pattern, 'Joe@Example.ORG')).toBe(expected);
});

test('an empty pattern is the empty sender alone', () => {
  expect(matches('', '')).toBe(true);
  expect(matches('*', '')).toBe(true);
  expect(matches('?', '')).toBe(false);
});

test('matches as the regular expression of the same meaning does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.') });
  fc.assert(
    fc.property(text, text, (pattern, subject) => {
      const source = pattern.replace(/[.]/g, '\\.').replace(/\*+/g, '[^]*').replace(/\?/g, '[^]');
      expect(matches(pattern, subject)).toBe(new RegExp(`^${source}$`).test(subject));
    }),
    { numRuns: 2000 },
  );
});

test('a pattern made to take long takes no time', () => {
  const start = process.cpuUsage();
  expect(matches(`${'*a'.repeat(200)}*c`, 'a'.repeat(15_000))).toBe(false);
  // Some milliseconds; with backtracking it would take years.
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(30);
});

test('a recipient who is done does not select a message', () => {
  const selection = { ...ANY, recipient: 'ann@*' };
  const ann = { channel: 'local', address: 'ann@mail.test', done: true } as const;
  expect(isSelected(selection, HEAD, [ann], 2000)).toBe(false);
  expect(isSelected(selection, HEAD, [{ ...ann, done: false }], 2000)).toBe(true);
});

test('all that is asked for must hold', () => {
  expect(isSelected({ ...ANY, sender: 'joe@*', older: 1000 }, HEAD, [], 2000)).toBe(true);
  expect(isSelected({ ...ANY, sender: 'joe@*', older: 1001 }, HEAD, [], 2000)).toBe(false);
  expect(isSelected({ ...ANY, sender: 'ann@*', older: 1000 }, HEAD, [], 2000)).toBe(false);
});
