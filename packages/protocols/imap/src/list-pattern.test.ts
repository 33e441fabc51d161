import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ListPattern } from './index.ts';

function matches(pattern: string, name: string, separator = '.'): boolean | undefined {
  return ListPattern.of(pattern, separator)?.matches(name);
}

test.each([
  ['*', 'a.b.c', true],
  ['%', 'a', true],
  ['%', 'a.b', false],
  ['%.%', 'a.b', true],
  ['a.%', 'a.', true],
  ['a*c', 'a.b.c', true],
  ['a%c', 'a.b.c', false],
  ['a%c', 'abc', true],
  ['*%', 'a.b', true],
  ['%*', 'a.b', true],
  ['', '', true],
  ['', 'a', false],
  ['a', 'ab', false],
  ['ab', 'a', false],
  ['%ü*', 'Entwürfe.x', true],
  ['.*', 'a', false],
])('%j and %j: %s', (pattern, name, expected) => {
  expect(matches(pattern, name)).toBe(expected);
});

test('"%" is "*" where there is no separator', () => {
  expect(matches('a%c', 'a.b.c', '')).toBe(true);
});

describe('below a name', () => {
  test.each([
    ['a.%', 'a', true],
    ['a.b.c', 'a.b', true],
    ['%', 'a', false],
    ['*', 'a', true],
    ['b.%', 'a', false],
    ['a.', 'a', false],
  ])('%j can match below %j: %s', (pattern, name, expected) => {
    expect(ListPattern.of(pattern, '.')?.matchesBelow(name)).toBe(expected);
  });
});

test('a pattern that is too long is none', () => {
  expect(ListPattern.of('a'.repeat(1025), '.')).toBeUndefined();
});

test('it says what a regular expression says', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '%'), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
  fc.assert(
    fc.property(text, name, (pattern, one) => {
      const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('%', '[^.]*');
      expect(matches(pattern, one)).toBe(new RegExp(`^${source}$`).test(one));
    }),
    { numRuns: 1000 },
  );
});

test("patterns that make others try all ways take no longer than their length times the name's", () => {
  // Trying all ways would take more than 10^20 steps.
  expect(matches(`${'*a'.repeat(500)}zz`, 'a'.repeat(1000))).toBe(false);
  expect(matches(`${'*%'.repeat(500)}x`, 'a'.repeat(1000))).toBe(false);
  expect(matches(`${'%a*b'.repeat(200)}zz`, 'ab'.repeat(500))).toBe(false);
});
