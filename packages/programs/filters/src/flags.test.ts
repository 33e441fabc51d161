import { expect, test } from 'vitest';
import { parseFlags } from './flags.ts';

const given = (text: string, letters = 'frd:') => {
  const flags = parseFlags(text === '' ? [] : text.split(' '), letters);
  return flags && [...flags.given.map(({ letter, value }) => letter + value), '|', ...flags.words];
};

test.each([
  ['', ['|']],
  ['a -f', ['|', 'a', '-f']],
  ['-f -r a', ['f', 'r', '|', 'a']],
  ['-fr a', ['f', 'r', '|', 'a']],
  ['-d7 a', ['d7', '|', 'a']],
  ['-d 7 a', ['d7', '|', 'a']],
  ['-fd7r', ['f', 'd7r', '|']],
  ['-f -- -r', ['f', '|', '-r']],
  ['-f - -r', ['f', '|', '-', '-r']],
  ['-d -f', ['d-f', '|']],
])('"%s" is read as getopt would', (text, expected) => {
  expect(given(text)).toEqual(expected);
});

test.each(['-x', '-d', '-f:', '--help', '-fd'])('"%s" is a mistake', (text) => {
  expect(given(text)).toBeUndefined();
});
