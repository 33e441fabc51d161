import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf } from '@q/fault';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAccountCache } from './account-cache.ts';
import { filledFolder, useAll } from './testing/filled-folder.ts';
import { makeRoot, removeRoot } from './testing/test-folder.ts';

const run = promisify(execFile);

let root: string;
let lines: string[];

beforeEach(() => {
  root = makeRoot();
  lines = [];
});

afterEach(() => removeRoot(root));

describe('without a place', () => {
  test('a Maildir that does not exist has a cache in memory', async () => {
    const folder = filledFolder(root);
    const cache = openAccountCache(join(root, 'none/such'), { log: (line) => lines.push(line) });
    await useAll(cache, folder);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^cache: ENOENT.*: going on without$/);
    expect([...cache.changes('box').load()]).toHaveLength(300);
    await cache.close();
  });

  const isRoot = process.getuid?.() === 0;
  test.runIf(isRoot)('on a disk with little room there is none (needs root: mount)', async () => {
    for (const size of ['16k', '96k', '1m'])
      await withDisk(size, async (disk) => {
        const folder = filledFolder(root);
        const cache = openAccountCache(disk, { log: (line) => lines.push(line), host: 'h' });
        await useAll(cache, folder);
        await cache.close();
        expect(lines, size).toEqual(['cache: too little room on the disk: going on without']);
        lines = [];
      });
  });

  test.runIf(isRoot)(
    'a disk that becomes full: a line in the log, and on without (needs root: mount)',
    async () => {
      await withDisk('12m', async (disk) => {
        const folder = filledFolder(root);
        const now = Date.now();
        const options = { log: (line: string) => lines.push(line), host: 'h', now: () => now };
        const cache = openAccountCache(disk, options);
        await useAll(cache, folder);
        const before = cache.changes('box').highest;
        fillUp(join(disk, 'else'));
        for (let i = 0; i < 100; i++) cache.changes(`other${i}`).note(folder.messages, []);
        await useAll(cache, folder);
        expect(cache.changes('box').highest).toBeGreaterThan(before);
        await cache.close();
        expect(lines).toEqual(['cache: no space left on device: going on without']);
      });
    },
  );

  async function withDisk(size: string, use: (disk: string) => Promise<void>): Promise<void> {
    const disk = join(root, 'disk');
    mkdirSync(disk, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', disk]);
    try {
      await use(disk);
    } finally {
      await run('umount', ['-l', disk]);
    }
  }

  function fillUp(path: string): void {
    const fd = openSync(path, 'w');
    try {
      for (;;) writeSync(fd, Buffer.alloc(4096));
    } catch (error) {
      expect(errnoOf(error)).toBe('ENOSPC');
    } finally {
      closeSync(fd);
    }
  }
});
