import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isExecutable } from './index.ts';

test('a program is executable, also by a link; a text, a link that leads nowhere, and nothing are not', () => {
  const dir = mkdtempSync(join(tmpdir(), 'executable-'));
  try {
    writeFileSync(join(dir, 'program'), '', { mode: 0o755 });
    writeFileSync(join(dir, 'text'), '', { mode: 0o644 });
    symlinkSync('program', join(dir, 'link'));
    symlinkSync('gone', join(dir, 'nowhere'));
    const names = ['program', 'link', 'text', 'nowhere', 'none', 'text/below'];
    const executable = names.filter((name) => isExecutable(join(dir, name)));
    expect(executable).toEqual(['program', 'link']);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
