import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementsOf, insideOf, oidOf, TAG } from './der.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('elements come in order, with what is inside', () => {
  const [sequence, number, ...more] = elementsOf(hex('30 05 0201 07 0500 0201 08'));
  expect([sequence?.tag, number?.tag, more]).toEqual([TAG.sequence, TAG.integer, []]);
  expect(elementsOf(sequence?.content as Buffer).map(({ tag }) => tag)).toEqual([2, 5]);
  expect(insideOf(hex('31 02 0500'), TAG.set)).toHaveLength(1);
});

test.each([
  ['cut short', '30 05 0201 07'],
  ['without a length', '30'],
  ['of indefinite length', '30 80 0500 0000'],
  ['with a length that could be shorter', '04 81 01 00'],
  ['with zeros before its length', '04 82 00 81 00'],
  ['with a length of many bytes', '04 84 00 00 00 01 00'],
  ['with a long tag', '1f 81 01 00'],
])('what is %s is no DER', (_, text) => expect(() => elementsOf(hex(text))).toThrow('no DER'));

test('any bytes are elements that make them up, or no DER', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
      const bytes = Buffer.from(data);
      let whole: Buffer;
      try {
        whole = Buffer.concat(elementsOf(bytes).map(({ raw }) => raw));
      } catch (error) {
        expect((error as Error).message).toBe('no DER');
        return;
      }
      expect(whole).toEqual(bytes);
    }),
  );
});

test('an OID is read in dotted decimals, and one that ends too early or has leading zeros is none', () => {
  expect(oidOf(hex('2a 86 48 86 f7 0d 01 09 01'))).toBe('1.2.840.113549.1.9.1');
  expect(oidOf(hex('09 92 26 89 93 f2 2c 64 01 01'))).toBe('0.9.2342.19200300.100.1.1');
  expect(oidOf(hex('88 37'))).toBe('2.999');
  for (const wrong of ['', '2a 86', '2a 80 01', `2a ${'ff'.repeat(9)} 01`])
    expect(() => oidOf(hex(wrong))).toThrow('no DER');
});
