// Runs test/dialogues/PROGRAM/*.txt against the built executables: see lib/dialogue.ts for the form.

import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, test } from 'vitest';
import { clientBytes, runDialogue } from './lib/dialogue.ts';

const top = join(import.meta.dirname, 'dialogues');

/** Longer ones say nothing more when they are cut into bytes, and take their time. */
const BYTE_BY_BYTE_MAX = 5000;

const files = readdirSync(top, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.txt'))
  .map((name) => join(top, name))
  .sort();

describe.each(files.map((file) => [relative(top, file), file]))('%s', (_name, file) => {
  test('goes as written', () => runDialogue(file));
  if (clientBytes(file) > BYTE_BY_BYTE_MAX) return;
  test('goes as written when the client types byte by byte', () =>
    runDialogue(file, { byteByByte: true }));
});
