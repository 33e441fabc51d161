import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSequenceSet, parseSequenceSet, resolveSequenceSet } from './index.ts';

/** The ranges of `text` in a mailbox whose largest number is `largest`. */
function ranges(text: string, largest = 10) {
  const set = parseSequenceSet(text);
  return set?.kind === 'numbers' ? resolveSequenceSet(set, largest) : set;
}

test.each([
  ['3', [[3, 3]]],
  ['1:4294967295', [[1, 4294967295]]],
  ['5,3,4', [[3, 5]]],
  [
    '1:3,2:7,9',
    [
      [1, 7],
      [9, 9],
    ],
  ],
  ['3:1', [[1, 3]]],
  ['*', [[10, 10]]],
  ['*:*', [[10, 10]]],
  ['4:*', [[4, 10]]],
  ['*:4', [[4, 10]]],
  [
    '2,*',
    [
      [2, 2],
      [10, 10],
    ],
  ],
  ['8:*,5:*', [[5, 10]]],
  // RFC 9051, section 9: "n:*" has the largest even when n is beyond it.
  ['12:*', [[10, 10]]],
])('%s is %j', (text, expected) => {
  expect(ranges(text)).toEqual(expected);
});

test('"$" is the saved result', () => {
  expect(parseSequenceSet('$')).toEqual({ kind: 'saved' });
});

test('"*" is nothing in an empty mailbox', () => {
  expect(ranges('1:*', 0)).toEqual([]);
  expect(ranges('*', 0)).toEqual([]);
});

test.each([
  '',
  '0',
  '0:1',
  '1:0',
  '4294967296',
  '99999999999999999999:*',
  '1,',
  ',1',
  '1::2',
  '1:2:3',
  '01',
  '-1',
  '+1',
  '1.5',
  '1 ',
  '$,1',
  '**',
  '1e3',
  'é',
])('"%s" is no set', (text) => {
  expect(parseSequenceSet(text)).toBeUndefined();
});

test('the same range many times is one', () => {
  expect(ranges(Array(10_000).fill('1:4294967295').join(','))).toEqual([[1, 4294967295]]);
});

test('more ranges than are held are refused', () => {
  const odd = Array.from({ length: 40_000 }, (_, i) => 2 * i + 1);
  expect(parseSequenceSet(odd.join(','))).toBeUndefined();
});

describe('the text of numbers', () => {
  test('is compact', () => {
    expect(formatSequenceSet([1, 2, 3, 5, 7, 8])).toBe('1:3,5,7:8');
    expect(formatSequenceSet([4294967295])).toBe('4294967295');
    expect(formatSequenceSet([])).toBe('');
  });

  test('gives the same numbers when it is read', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, (some) => {
        const ascending = [...some].sort((a, b) => a - b);
        const back = [];
        for (const range of (ranges(formatSequenceSet(ascending)) ?? []) as [number, number][])
          for (let n = range[0]; n <= range[1]; n++) back.push(n);
        expect(back).toEqual(ascending);
      }),
    );
  });
});
