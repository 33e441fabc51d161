import type * as Fs from 'node:fs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readWhole } from './files.ts';
import { STALE_TRIES } from './limits.ts';

const stale = vi.hoisted(() => ({ answers: 0 }));

// read(2) of a file that was replaced on an NFS server while it was open.
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const readSync = (...args: Parameters<typeof Fs.readSync>) => {
    if (stale.answers-- > 0)
      throw Object.assign(new Error('Unknown system error -116'), { code: 'ESTALE', errno: -116 });
    return fs.readSync(...args);
  };
  return { ...fs, readSync };
});

let path: string;

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'stale-')), 'courierimapuiddb');
  writeFileSync(path, '1 795394811 2001\n');
});
afterEach(() => rmSync(join(path, '..'), { recursive: true }));

test('a file that NFS calls stale while it is read is opened and read again', () => {
  stale.answers = 2;
  expect(readWhole(path, 1000)?.text).toBe('1 795394811 2001\n');
});

test('one that stays stale is an error and not an empty file', () => {
  stale.answers = STALE_TRIES;
  expect(() => readWhole(path, 1000)).toThrow(/-116/);
});
