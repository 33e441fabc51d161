import { bytesOf, textOf } from '@q/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineEnds } from './line-ends.ts';

/** `text` in pieces that end before each of `cuts`. */
function convert(text: string, cuts: readonly number[] = []): string {
  const ends = new LineEnds();
  const bytes = bytesOf(text);
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  let out = '';
  for (let i = 1; i < places.length; i++) {
    const piece = bytes.subarray(places[i - 1], places[i]);
    out += textOf(ends.convert(piece, i === places.length - 1));
  }
  return out;
}

test('CRLF becomes LF, a CR or LF that stands alone stays', () => {
  expect(convert('a\r\nb\rc\nd\r\r\ne\r')).toBe('a\nb\rc\nd\r\ne\r');
  expect(convert('')).toBe('');
});

test('it makes no difference where the pieces end', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '\r', '\n') }),
      fc.array(fc.nat(40), { maxLength: 5 }),
      (text, wanted) => {
        const cuts = wanted.filter((cut) => cut <= text.length);
        expect(convert(text, cuts)).toBe(text.replaceAll('\r\n', '\n'));
      },
    ),
  );
});
