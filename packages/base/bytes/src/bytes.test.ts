import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  asciiEqual,
  asciiLower,
  bytesOf,
  encodeNetstring,
  joinNul,
  LineSplitter,
  NetstringDecoder,
  splitNul,
  textOf,
} from './index.ts';

/** Cuts bytes at the given places, so that a parser sees them in chunks. */
function chunksOf(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

test('every byte survives the way to text and back', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  expect(bytesOf(textOf(all))).toEqual(all);
  expect(() => bytesOf('\u0100')).toThrow(RangeError);
});

test('lower case touches A-Z and nothing else', () => {
  expect(asciiLower('ÀÉ straße ABCxyz[@')).toBe('ÀÉ straße abcxyz[@');
  expect(asciiEqual('EXAMPLE', 'exAmple')).toBe(true);
  expect(asciiEqual('\u00c0', '\u00e0')).toBe(false);
});

test('lines come out whole whatever the chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), fc.array(fc.nat(400)), (raw, cuts) => {
      const lines = raw.map((line) => Buffer.from(line.filter((byte) => byte !== 10)));
      const stream = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
      const splitter = new LineSplitter(1000);
      const seen: Buffer[] = [];
      for (const chunk of chunksOf(stream, cuts)) splitter.push(chunk, (line) => seen.push(line));
      splitter.end(() => expect.fail('nothing stands after the last LF'));
      expect(seen).toEqual(lines);
    }),
  );
});

test('a line beyond the limit is cut, marked, and does not hold the next one up', () => {
  const seen: [string, boolean][] = [];
  const splitter = new LineSplitter(4);
  const keep = (line: Buffer, overlong: boolean) => seen.push([textOf(line), overlong]);
  for (const byte of Buffer.from('abcd\nabcdefgh\nx\nrest')) splitter.push(Buffer.of(byte), keep);
  splitter.end(keep);
  expect(seen).toEqual([
    ['abcd', false],
    ['abcd', true],
    ['x', false],
    ['rest', false],
  ]);
});

function decodeAll(chunks: Buffer[], limit = 1000): { got: Buffer[]; atBoundary: boolean } {
  const got: Buffer[] = [];
  let parts: Buffer[] = [];
  const decoder = new NetstringDecoder(limit, {
    data: (piece) => parts.push(Buffer.from(piece)),
    close: () => {
      got.push(Buffer.concat(parts));
      parts = [];
    },
  });
  for (const chunk of chunks) decoder.push(chunk);
  return { got, atBoundary: decoder.atBoundary };
}

test('netstrings decode to what was encoded, in any chunks, and each strict prefix is incomplete', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 })), fc.array(fc.nat(400)), (raw, cuts) => {
      const payloads = raw.map((bytes) => Buffer.from(bytes));
      const stream = Buffer.concat(payloads.map(encodeNetstring));
      const { got, atBoundary } = decodeAll(chunksOf(stream, cuts));
      expect(got).toEqual(payloads);
      expect(atBoundary).toBe(true);
      const last = payloads.at(-1);
      if (last !== undefined) {
        const cut = decodeAll([stream.subarray(0, stream.length - 1)]);
        expect(cut.got.length).toBe(payloads.length - 1);
        expect(cut.atBoundary).toBe(false);
      }
    }),
  );
});

test.each(['x:', ':', '05:hello,', '3:abcd', '-1:', ' 1:a,', '1001:', '99999999999999999999999:'])(
  'the malformed netstring %j is refused',
  (bad) => {
    expect(() => decodeAll([Buffer.from(bad)])).toThrow();
  },
);

test('NUL records split and join; a NUL inside a record is a bug', () => {
  expect(joinNul(['a', '', 'bc'])).toEqual(Buffer.from('a\0\0bc\0'));
  const { records, rest } = splitNul(Buffer.from('a\0\0bc\0tail'));
  expect(records.map(textOf)).toEqual(['a', '', 'bc']);
  expect(textOf(rest)).toBe('tail');
  expect(() => joinNul(['a\0b'])).toThrow(RangeError);
});
