import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bufferSource, decodedBody } from './index.ts';
import { QP_BLANKS_MAX } from './limits.ts';
import { cutAt, parsed } from './testing/messages.ts';
import { transferDecoder } from './transfer.ts';

function decode(encoding: string, pieces: Buffer[]): string {
  const decoder = transferDecoder(encoding);
  if (decoder === undefined) throw new Error('unknown encoding');
  const out = pieces.map((piece) => Buffer.from(decoder.push(piece)));
  return Buffer.concat([...out, decoder.end()]).toString('latin1');
}
const whole = (encoding: string, text: string) => decode(encoding, [Buffer.from(text, 'latin1')]);

test.each([
  ['QUJD', 'ABC'],
  ['QUI=', 'AB'],
  ['QQ==', 'A'],
  ['QUJ', 'AB'],
  ['QQ', 'A'],
  ['Q', ''],
  ['Q U\r\nJ*D', 'ABC'],
  ['QQ==QUJD', 'AABC'],
  ['=QUJD', 'ABC'],
  ['====', ''],
  ['', ''],
])('base64 %j is %j', (encoded, decoded) => {
  expect(whole('base64', encoded)).toBe(decoded);
});

test.each([
  ['=41=3d=3D', 'A=='],
  ['a=\nb=\r\nc', 'abc'],
  ['a= \t\nb', 'ab'],
  ['a  \t\nb \r\nc  ', 'a\nb\r\nc'],
  ['a b', 'a b'],
  ['=', ''],
  ['a=4', 'a=4'],
  ['=4G=G4', '=4G=G4'],
  ['==41', '=A'],
  ['=\rx', '=\rx'],
  ['a \rb', 'a \rb'],
  ['a \r', 'a \r'],
  ['=C3=A9\xe9', '\xc3\xa9\xe9'],
])('quoted-printable %j is %j', (encoded, decoded) => {
  expect(whole('quoted-printable', encoded)).toBe(decoded);
});

test('any pieces decode to the same, and base64 of anything to what it was', () => {
  const text = fc.array(
    fc.constantFrom('=', '=4', '=41', ' ', '\t', '\r', '\n', '\r\n', 'a', 'QUJD', '=\n', '\xff'),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat(100)), (fragments, cuts) => {
      const bytes = Buffer.from(fragments.join(''), 'latin1');
      for (const encoding of ['base64', 'quoted-printable', '8bit']) {
        expect(decode(encoding, cutAt(bytes, cuts))).toBe(decode(encoding, [bytes]));
      }
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array(), fc.array(fc.nat(200)), (raw, cuts) => {
      const encoded = Buffer.from(
        Buffer.from(raw)
          .toString('base64')
          .replace(/.{1,76}/g, '$&\n'),
      );
      expect(decode('base64', cutAt(encoded, cuts))).toBe(Buffer.from(raw).toString('latin1'));
    }),
  );
});

test('a run of blanks is held up to a bound, and any pieces of a longer one decode to the same', () => {
  const decoder = transferDecoder('quoted-printable');
  let given = 0;
  for (let i = 0; i < 100; i++)
    given += decoder?.push(Buffer.alloc(QP_BLANKS_MAX, ' ')).length ?? 0;
  expect(given).toBeGreaterThanOrEqual(98 * QP_BLANKS_MAX);
  for (const length of [
    QP_BLANKS_MAX - 1,
    QP_BLANKS_MAX,
    QP_BLANKS_MAX + 1,
    QP_BLANKS_MAX * 2 + 5,
  ]) {
    for (const start of ['', '=']) {
      const bytes = Buffer.from(`${start}${' '.repeat(length)}\nx`);
      const bytewise = decode('quoted-printable', cutAt(bytes, [...bytes.keys()]));
      expect(bytewise).toBe(decode('quoted-printable', [bytes]));
    }
  }
});

async function decoded(text: string): Promise<string | undefined> {
  const message = parsed(text);
  const pieces = decodedBody(bufferSource(Buffer.from(text, 'latin1')), message, message.root);
  if (pieces === undefined) return undefined;
  const out: Buffer[] = [];
  for await (const piece of pieces) out.push(Buffer.from(piece));
  return Buffer.concat(out).toString('latin1');
}

test('a decoded body: text with CRLF, base64 untouched, an unknown encoding not at all', async () => {
  expect(await decoded('Content-Transfer-Encoding: quoted-printable\n\na=0A\nb=\nc')).toBe(
    'a\n\r\nbc',
  );
  expect(await decoded('Content-Transfer-Encoding: base64\n\nYQpi\n')).toBe('a\nb');
  expect(await decoded('Content-Transfer-Encoding: 8bit\n\na\n\0')).toBe('a\r\n\0');
  expect(await decoded('Content-Transfer-Encoding: x-uuencode\n\na')).toBeUndefined();
  expect(
    await decoded('Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nYQpi\n'),
  ).toBe('YQpi\r\n');
});
