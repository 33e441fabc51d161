import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withLf } from './line-ends.ts';

/** `text` in blocks of `size` bytes through withLf(). */
async function through(text: string, size = text.length): Promise<string> {
  async function* blocks() {
    for (let at = 0; at < text.length; at += size)
      yield Buffer.from(text.slice(at, at + size), 'latin1');
  }
  let result = '';
  for await (const block of withLf(blocks())) result += block.toString('latin1');
  return result;
}

test.each([
  ['', ''],
  ['To: a\r\n\r\nx\r\n', 'To: a\n\nx\n'],
  ['To: a\r\n\r\nx\ny\rz\r', 'To: a\n\nx\ny\rz\r'],
  ['To: a\nX: b\r\n\n\r\n', 'To: a\nX: b\r\n\n\r\n'],
  ['\r\nx\r\n', '\nx\n'],
  ['\nx\r\n', '\nx\r\n'],
  ['no line end', 'no line end'],
  ['\r', '\r'],
])('%j becomes %j', async (text, expected) => {
  expect(await through(text)).toBe(expected);
});

test('where the blocks are cut makes no difference', async () => {
  const pieces = fc.array(fc.constantFrom('\r', '\n', '\r\n', 'x'), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 3, max: 7 }), async (some, size) => {
      const text = `a\r\n${some.join('')}`;
      expect(await through(text, size)).toBe(text.replaceAll('\r\n', '\n'));
    }),
  );
});
