import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellText } from './index.ts';

test.each([
  "printf %s 'plain text'",
  "printf %s '\xc3\xa9 in UTF-8'",
  'printf %s \'\xe9 in latin1, %d \\n "$(x)" `y`\'; : # \xff',
  "printf %s 'two\nlines \x80\n'",
])('sh runs exactly the bytes of %j', (command) => {
  // What sh itself makes of the same bytes, from its input.
  const expected = execFileSync('/bin/sh', { input: Buffer.from(command, 'latin1') });
  expect(execFileSync('/bin/sh', ['-c', shellText(command)])).toEqual(expected);
  expect(expected.length).toBeGreaterThan(0);
});
