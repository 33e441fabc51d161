import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAlive, isThere } from './index.ts';

test('a name is taken by whatever has it, and trouble is no answer', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'there-'));
  const at = (name: string) => join(dir, name);
  writeFileSync(at('file'), '');
  symlinkSync('nowhere', at('link'));
  const answers = await Promise.all(['file', 'link', 'other'].map((name) => isThere(at(name))));
  expect(answers).toEqual([true, true, false]);
  await expect(isThere(at('file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  rmSync(dir, { recursive: true });
});

test('a process is alive until its parent has seen its end', async () => {
  const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] });
  const pid = child.pid as number;
  const ended = once(child, 'exit');
  expect(isAlive(pid)).toBe(true);
  child.kill('SIGKILL');
  await ended;
  expect(isAlive(pid)).toBe(false);
});
