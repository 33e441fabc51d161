import fc from 'fast-check';
import { expect, test } from 'vitest';
import { safeText } from './send-log.ts';

test('foreign text stays one word of printable ASCII', () => {
  expect(safeText('did 1+0+0\n')).toBe('did_1+0+0/');
  expect(safeText('100% \xe9\x7f\0x\r\n')).toBe('100_____x_/');
  fc.assert(
    fc.property(fc.uint8Array(), (raw) => {
      const text = safeText(Buffer.from(raw).toString('latin1'));
      expect(text).toMatch(/^[!-$&-~]*$/);
      expect(text.length).toBe(raw.length);
    }),
  );
});
