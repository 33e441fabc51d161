import { textOf } from '@q/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MboxrdEncoder } from './mboxrd.ts';

function encode(chunks: readonly Buffer[]): string {
  const encoder = new MboxrdEncoder();
  const out = chunks.flatMap((chunk) => encoder.push(chunk).map((piece) => Buffer.from(piece)));
  return textOf(Buffer.concat([...out, encoder.finish()]));
}

/** The same by whole lines: what the encoder must equal. */
function model(message: string): string {
  const lines = message.split('\n').map((line) => line.replace(/^(>*From )/, '>$1'));
  const quoted = lines.join('\n');
  return `${quoted}${quoted === '' || quoted.endsWith('\n') ? '' : '\n'}\n`;
}

test.each([
  ['', '\n'],
  ['From x\n', '>From x\n\n'],
  ['a\n>From x\n>>From y\nFromage\n>Fro', 'a\n>>From x\n>>>From y\nFromage\n>Fro\n\n'],
  ['From ', '>From \n\n'],
  ['From', 'From\n\n'],
  ['a From b\n', 'a From b\n\n'],
  ['FFrom x\nF\nFrom\n>\n', 'FFrom x\nF\nFrom\n>\n\n'],
])('the message %j becomes %j', (message, expected) => {
  expect(encode([Buffer.from(message, 'latin1')])).toBe(expected);
  expect(encode([...Buffer.from(message, 'latin1')].map((byte) => Buffer.of(byte)))).toBe(expected);
});

test('whatever the bytes and the cuts, it is what quoting line by line gives', () => {
  const piece = fc.constantFrom('From ', 'Fro', 'F', '>', '\n', ' ', 'x', '\r', '\0', '\xe9');
  fc.assert(
    fc.property(fc.array(fc.array(piece)), (chunks) => {
      const texts = chunks.map((chunk) => chunk.join(''));
      expect(encode(texts.map((text) => Buffer.from(text, 'latin1')))).toBe(model(texts.join('')));
    }),
    { numRuns: 2000 },
  );
});
