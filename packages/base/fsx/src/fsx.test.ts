import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mkfifo } from '../../posix/src/index.ts';
import {
  closeFd,
  createExclusive,
  flock,
  fstatFd,
  fsyncDir,
  pullTrigger,
  readChunks,
  rewindFd,
  tryFlock,
  unlinkIfThere,
  watchTrigger,
  writeFileAtomic,
  writeFully,
} from './index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fsx-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('an exclusive file is made once, and its inode number is exact', async () => {
  const path = join(dir, 'x');
  const fd = await createExclusive(path, 0o640);
  await writeFully(fd, Buffer.from('abc'));
  await writeFully(fd, Buffer.from('B'), 1);
  expect((await fstatFd(fd)).ino).toBe(BigInt(statSync(path, { bigint: true }).ino));
  await closeFd(fd);
  await expect(createExclusive(path, 0o640)).rejects.toMatchObject({ code: 'EEXIST' });
  expect(readFileSync(path, 'latin1')).toBe('aBc');
});

test('an atomic write replaces the content, sets the mode, and leaves no debris', async () => {
  const path = join(dir, 'table');
  await writeFileAtomic(path, Buffer.from('one'), { mode: 0o600 });
  await writeFileAtomic(path, [Buffer.from('two'), Buffer.from('!')], { mode: 0o644 });
  expect(readFileSync(path, 'latin1')).toBe('two!');
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(readdirSync(dir)).toEqual(['table']);
});

test('an atomic write that fails leaves the old content and no debris', async () => {
  const path = join(dir, 'table');
  await writeFileAtomic(path, Buffer.from('old'), { mode: 0o600 });
  const pieces = (function* () {
    yield Buffer.from('half');
    throw new Error('source broke');
  })();
  await expect(writeFileAtomic(path, pieces, { mode: 0o600 })).rejects.toThrow('source broke');
  expect(readFileSync(path, 'latin1')).toBe('old');
  expect(readdirSync(dir)).toEqual(['table']);
  mkdirSync(join(dir, 'taken'));
  await expect(
    writeFileAtomic(join(dir, 'taken'), Buffer.from('x'), { mode: 0o600 }),
  ).rejects.toThrow();
  expect(readdirSync(dir).sort()).toEqual(['table', 'taken']);
});

test('a missing file is told from a file that cannot be unlinked', async () => {
  expect(await unlinkIfThere(join(dir, 'none'))).toBe(false);
  mkdirSync(join(dir, 'sub'));
  await expect(unlinkIfThere(join(dir, 'sub'))).rejects.toThrow();
  await fsyncDir(dir);
  await expect(fsyncDir(join(dir, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a lock excludes other open files and the flock command, and is free after unlock', async () => {
  const path = join(dir, 'lock');
  const one = openSync(path, 'w');
  const two = openSync(path, 'w');
  await flock(one, 'exclusive');
  expect(tryFlock(two, 'exclusive')).toBe(false);
  expect(tryFlock(two, 'shared')).toBe(false);
  const other = spawn('flock', ['-n', path, 'true'], { stdio: 'ignore' });
  expect((await once(other, 'exit'))[0]).toBe(1);
  expect(tryFlock(one, 'unlock')).toBe(true);
  expect(tryFlock(two, 'exclusive')).toBe(true);
  closeSync(one);
  closeSync(two);
});

test('the trigger wakes its watcher each time, and pulling with nobody there is harmless', async () => {
  const path = join(dir, 'trigger');
  pullTrigger(path);
  expect(existsSync(path)).toBe(false);
  mkfifo(path, 0o622);
  pullTrigger(path);
  let pulls = 0;
  let woken = () => {};
  const watch = watchTrigger(path, () => {
    pulls++;
    woken();
  });
  for (let i = 1; i <= 3; i++) {
    const wake = new Promise<void>((resolve) => {
      woken = resolve;
    });
    pullTrigger(path);
    await wake;
    expect(pulls).toBe(i);
  }
  watch.close();
});

test('a rewound file is read from its start by whoever shares it', () => {
  const path = join(dir, 'message');
  writeFileSync(path, 'abc');
  const fd = openSync(path, 'r');
  const next = Buffer.alloc(1);
  readSync(fd, next, 0, 1, null);
  rewindFd(fd);
  readSync(fd, next, 0, 1, null);
  expect(String(next)).toBe('a');
  closeSync(fd);
});

test('a file is read in chunks from a position, whatever the shared offset is', async () => {
  const path = join(dir, 'message');
  const content = Buffer.alloc(200_000, 'abcdefg');
  writeFileSync(path, content);
  const fd = openSync(path, 'r');
  for (const from of [0, 0, 150_001]) {
    const chunks: Buffer[] = [];
    for await (const chunk of readChunks(fd, from)) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).equals(content.subarray(from))).toBe(true);
  }
  const rest: Buffer[] = [];
  for await (const chunk of readChunks(fd, null)) rest.push(Buffer.from(chunk));
  expect(Buffer.concat(rest).length).toBe(content.length);
  closeSync(fd);
});
