import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from './index.ts';

test.each([
  ['', ''],
  ['INBOX', 'INBOX'],
  ['R&D', 'R&-D'],
  ['&&', '&-&-'],
  ['Entwürfe', 'Entw&APw-rfe'],
  // The example of RFC 3501.
  ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
  ['\u{1f4e7}', '&2D3c5w-'],
  ['\x01', '&AAE-'],
])('%j is %s', (name, encoded) => {
  expect(encodeModifiedUtf7(name)).toBe(encoded);
  expect(decodeModifiedUtf7(encoded)).toBe(name);
});

test.each([
  ['a character that base64 has not', '&Jjo!'],
  ['a run that is not closed', '&Jjo'],
  ['a lone "&"', 'a&'],
  ['printable ASCII, encoded', '&AGE-'],
  ['an encoded "/"', 'INBOX.&AC8-x'],
  ['an encoded "../"', '&AC4ALgAv-x'],
  ['an encoded "&"', '&ACY-'],
  ['a lone high surrogate', '&2AA-'],
  ['a lone low surrogate', '&3AA-'],
  ['two runs that should be one', '&APw-&APw-'],
  ['half a character', '&AP-'],
  ['padding bits that are set', '&APx-'],
  ['padding', '&APw=-'],
  ['the "/" of plain base64', '&U/BTFw-'],
  ['bytes beyond ASCII', 'Entw\xfcrfe'],
  ['a control character', 'a\x01'],
])('%s is refused', (_what, text) => {
  expect(decodeModifiedUtf7(text)).toBeUndefined();
});

test('a lone surrogate has no encoding', () => {
  expect(encodeModifiedUtf7('a\ud800b')).toBeUndefined();
});

test('every text comes back, and nothing else decodes to it', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, (name) => {
      const encoded = encodeModifiedUtf7(name);
      expect(encoded).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeModifiedUtf7(encoded as string)).toBe(name);
    }),
  );
  const bits = fc.string({
    unit: fc.constantFrom('&', '-', 'A', 'P', 'w', ',', '/', 'a', '2', 'D'),
  });
  fc.assert(
    fc.property(bits, (encoded) => {
      const name = decodeModifiedUtf7(encoded);
      if (name !== undefined) expect(encodeModifiedUtf7(name)).toBe(encoded);
    }),
    { numRuns: 1000 },
  );
});
