import { bufferSource, parseMessage } from '@q/mime';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { headerEnd, heldSection, isHeadSection, isHeldSection } from './held-section.ts';
import { sectionLiteral } from './section.ts';

const line = fc.constantFrom(
  '',
  'x',
  'a: b',
  ' c',
  '\0',
  '\r',
  'é\r\r',
  '--x',
  'b: \0',
  'content-type: multipart/mixed; boundary=x',
);
const message = fc
  .array(line, { maxLength: 20 })
  .chain((lines) =>
    fc.constantFrom('\n', '\r\n', '').map((end) => Buffer.from(lines.join('\n') + end)),
  );
const section = fc.record({
  part: fc.constant<number[]>([]),
  text: fc.constantFrom('all', 'header', 'text', 'fields', 'fields-not'),
  fields: fc.constant(['a', 'Content-Type']),
});
const range = fc.option(fc.record({ offset: fc.nat(60), count: fc.integer({ min: 1, max: 60 }) }), {
  nil: undefined,
});

test('a section of a message in memory is what its tree of parts gives', async () => {
  await fc.assert(
    fc.asyncProperty(message, section, range, async (bytes, wanted, part) => {
      const structure = await parseMessage([bytes]);
      const literal = await sectionLiteral(
        { source: bufferSource(bytes), structure },
        wanted,
        part,
      );
      const pieces: Buffer[] = [];
      for await (const piece of literal?.pieces() ?? []) pieces.push(Buffer.from(piece));
      const text = heldSection(bytes, wanted, part);
      expect(text).toBe(Buffer.concat(pieces).toString('latin1'));
      expect(text.length).toBe(literal?.size);
    }),
    { numRuns: 500 },
  );
});

test('what belongs to the header can be had from the header alone', async () => {
  await fc.assert(
    fc.asyncProperty(message, section, range, async (bytes, wanted, part) => {
      if (!isHeadSection(wanted)) return;
      const head = bytes.subarray(0, headerEnd(bytes));
      expect(heldSection(head, wanted, part)).toBe(heldSection(bytes, wanted, part));
    }),
  );
});

test('parts, and the header of one, need the tree', () => {
  expect(isHeldSection({ part: [1], text: 'all', fields: [] })).toBe(false);
  expect(isHeldSection({ part: [], text: 'text', fields: [] })).toBe(true);
  expect(isHeadSection({ part: [], text: 'text', fields: [] })).toBe(false);
});
