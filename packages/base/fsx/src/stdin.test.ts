import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { wasClosed } from './index.ts';

test.each([
  ['/dev/null', 'r+', true],
  ['/dev/null', 'r', false],
  ['/dev/zero', 'r+', false],
  [import.meta.filename, 'r', false],
])('%s opened with "%s": closed by the caller is %j', (path, flags, closed) => {
  const fd = openSync(path, flags);
  try {
    expect(wasClosed(fd)).toBe(closed);
  } finally {
    closeSync(fd);
  }
});
