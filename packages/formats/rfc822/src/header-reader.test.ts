import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HEADER_MAX, HeaderReader, parseField, unfold } from './index.ts';

/** The fields of a message given in these chunks, and what follows them. */
function read(chunks: readonly (Buffer | string)[], limit?: number) {
  const fields: string[] = [];
  const reader = new HeaderReader({
    onField: (text) => fields.push(text),
    ...(limit === undefined ? {} : { limit }),
  });
  const rest: Buffer[] = [];
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk as string, 'latin1');
    if (reader.done) rest.push(bytes);
    else rest.push(reader.push(bytes) ?? Buffer.alloc(0));
  }
  if (!reader.done) rest.push(reader.end() ?? Buffer.alloc(0));
  expect(reader.done).toBe(true);
  return { fields, rest: Buffer.concat(rest).toString('latin1') };
}

test.each([
  ['', [], ''],
  ['\n', [], '\n'],
  ['\nbody', [], '\nbody'],
  ['A: b\n\nbody\n', ['A: b\n'], '\nbody\n'],
  ['A: b', ['A: b\n'], ''],
  ['A: b\n', ['A: b\n'], ''],
  ['A:\n', ['A:\n'], ''],
  ['A: b\n c\n\td\n\nbody', ['A: b\n c\n\td\n'], '\nbody'],
  ['A: b\n \n c\n', ['A: b\n \n c\n'], ''],
  ['A: b\n c', ['A: b\n c\n'], ''],
  ['A \t: b\nB: c\n', ['A \t: b\n', 'B: c\n'], ''],
  ['A: b\nnot a field\nB: c\n', ['A: b\n'], '\nnot a field\nB: c\n'],
  ['not a field', [], '\nnot a field'],
  ['A', [], '\nA\n'],
  ['A: b\nC', ['A: b\n'], '\nC\n'],
  [' A: b\n', [], '\n A: b\n'],
  [': b\n', [], '\n: b\n'],
  ['A b: c\n', [], '\nA b: c\n'],
  ['caf\xe9: c\n', [], '\ncaf\xe9: c\n'],
  ['A\0: c\n', [], '\nA\0: c\n'],
  ['A: \0\xff\n', ['A: \0\xff\n'], ''],
  ['A: b\r\n\r\nbody\r\n', ['A: b\r\n'], '\n\r\nbody\r\n'],
  [
    'From joe Mon Jan  1 00:00:00 1999\nA: b\n',
    ['MBOX-Line: From joe Mon Jan  1 00:00:00 1999\n', 'A: b\n'],
    '',
  ],
  ['A: b\nFrom joe\n\n', ['A: b\n', 'MBOX-Line: From joe\n'], '\n'],
  ['From \n', ['MBOX-Line: From \n'], ''],
  ['From', [], '\nFrom\n'],
  ['From  : joe\n', ['From  : joe\n'], ''],
  ['from joe\n', [], '\nfrom joe\n'],
  ['A: b\n\nFrom joe\nA: c\n', ['A: b\n'], '\nFrom joe\nA: c\n'],
])('%j', (message, fields, rest) => {
  expect(read([message])).toEqual({ fields, rest });
  expect(read([...message])).toEqual({ fields, rest });
});

test('fields do not depend on how the message is cut', () => {
  const message = fc.string({
    unit: fc.constantFrom('A', 'From', ':', ' ', '\t', '\n', '\n', '\r', '\xff', '\0', 'To: a@b'),
    maxLength: 30,
  });
  fc.assert(
    fc.property(message, fc.array(fc.nat(60)), (text, places) => {
      const cuts = [...new Set(places.map((place) => place % (text.length + 1)))].sort(
        (a, b) => a - b,
      );
      const chunks = [0, ...cuts].map((from, i) => text.slice(from, cuts[i] ?? text.length));
      const whole = read([text]);
      expect(read(chunks)).toEqual(whole);
      expect(read([...text])).toEqual(whole);
      for (const field of whole.fields) expect(parseField(field)).toBeDefined();
    }),
    { numRuns: 3000 },
  );
});

test('a header over the limit is refused; a body, or a first line that is no field, may have any length', () => {
  expect(() => read(['A: b\n', ' c\n'.repeat(10)], 20)).toThrow('out of memory');
  expect(() => read(['A'.repeat(HEADER_MAX), 'B'])).toThrow('out of memory');
  expect(read(['A: b\n\n', 'x'.repeat(100)], 20).rest).toHaveLength(101);
  expect(read(['x y', ...Array(10).fill('z'.repeat(10))], 20).rest).toHaveLength(104);
});

test('a field is a name and a body', () => {
  expect(parseField('Reply-To \t: a\n b\n')).toEqual({
    name: 'Reply-To',
    key: 'reply-to',
    body: ' a\n b',
  });
  expect(parseField('A:b:c')).toEqual({ name: 'A', key: 'a', body: 'b:c' });
  for (const text of ['', 'A', ':', 'A b:', '\xe9:', 'A\n:'])
    expect(parseField(text)).toBeUndefined();
  expect(unfold(' a\n b\r\n\tc\nd')).toBe(' a b\tc\nd');
});
