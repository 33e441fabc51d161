import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FieldFilter } from './index.ts';
import { cutAt, hostileBytes } from './testing/messages.ts';

function filtered(
  bytes: Buffer | string,
  names: string[],
  not = false,
  cuts: number[] = [],
): string {
  const filter = new FieldFilter(names, not);
  const all = Buffer.from(bytes);
  const pieces = cutAt(all, cuts).map((piece) => Buffer.from(filter.push(Buffer.from(piece))));
  return Buffer.concat([...pieces, filter.end()]).toString('latin1');
}

const HEADER = 'From joe\r\nFrom: a\r\nTO : b\r\n\tc\r\nX: d\r\nto: e\r\nno field\r\n\r\n';

test('the fields with the names, all of each name and all their lines, and the empty line', () => {
  expect(filtered(HEADER, ['to'])).toBe('TO : b\r\n\tc\r\nto: e\r\n\r\n');
  expect(filtered(HEADER, ['FROM', 'X'])).toBe('From: a\r\nX: d\r\n\r\n');
  expect(filtered(HEADER, ['y'])).toBe('\r\n');
});

test('the fields without the names, and lines that are no fields', () => {
  expect(filtered(HEADER, ['to'], true)).toBe('From joe\r\nFrom: a\r\nX: d\r\nno field\r\n\r\n');
  expect(filtered(HEADER, [], true)).toBe(HEADER);
});

test('a header without its empty line gets none', () => {
  expect(filtered('To: a', ['to'])).toBe('To: a');
  expect(filtered('To: a', ['x'])).toBe('');
});

test('any pieces give the same, and a name or line of megabytes is not held', () => {
  fc.assert(
    fc.property(hostileBytes, fc.array(fc.nat(500)), fc.boolean(), (bytes, cuts, not) => {
      const names = ['from', 'content-type'];
      expect(filtered(bytes, names, not, cuts)).toBe(filtered(bytes, names, not));
    }),
    { numRuns: 500 },
  );
  const filter = new FieldFilter(['x'], true);
  let given = 0;
  for (let i = 0; i < 100; i++) given += filter.push(Buffer.alloc(10_000, 'n')).length;
  expect(given).toBe(1_000_000);
});
