import fc from 'fast-check';
import { expect, test } from 'vitest';
import { candidates, decodeDirectory, encodeSegment } from './segment.ts';

test('wherever a value begins, the filter says that its chunk has to be looked at', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.integer({ min: 16_384, max: 600_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (value, size, place) => {
        const text = Buffer.alloc(size, 'the filler of it all ');
        const at = Math.floor(place * Math.max(0, size - value.length));
        text.set(value.subarray(0, size), at);
        const segment = encodeSegment([{ uid: 1, base: 'b', text }]);
        const directory = decodeDirectory(segment.directory);
        const mask = candidates(directory, segment.filter, Buffer.from(value));
        expect((mask >>> Math.floor(at / directory.chunk)) & 1).toBe(1);
      },
    ),
    { numRuns: 60 },
  );
});

test('a value that is not there is looked for in few chunks', () => {
  const text = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `w${i}`).join(' '));
  const segment = encodeSegment([{ uid: 1, base: 'b', text }]);
  const directory = decodeDirectory(segment.directory);
  expect(candidates(directory, segment.filter, Buffer.from('ZUGVOGEL'))).toBe(0);
});

test('a directory reads back as it was written; damaged it is refused', () => {
  const documents = [
    { uid: 7, base: 'seven', text: Buffer.from('abc') },
    { uid: 3, base: 'long one', text: undefined },
    { uid: 9, base: 'empty', text: Buffer.alloc(0) },
  ];
  const { directory, filter, text } = encodeSegment(documents);
  expect(decodeDirectory(directory)).toMatchObject({
    chunk: 0,
    textLength: 3,
    places: [
      { uid: 7, base: 'seven', start: 0, end: 3, isHere: true },
      { uid: 3, base: 'long one', start: 3, end: 3, isHere: false },
      { uid: 9, base: 'empty', start: 3, end: 3, isHere: true },
    ],
  });
  expect([filter.length, text.toString()]).toEqual([0, 'abc']);
  for (let i = 0; i < directory.length; i++) {
    const damaged = Buffer.from(directory);
    damaged[i] = (damaged[i] as number) ^ 1;
    expect(() => decodeDirectory(damaged)).toThrow();
  }
});
