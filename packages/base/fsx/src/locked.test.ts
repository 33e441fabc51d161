import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { closeFd, GatheredWriter, leadsTo, openLocked, tryFlock } from './index.ts';

const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
let dir: string;
let path: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'locked-'))); // /proc shows real names
  path = join(dir, 'file');
});
afterEach(() => rmSync(dir, { recursive: true }));

/** How often this process has the file open. */
function timesOpen(file: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the one by which the directory was read
    }
  });
  return links.filter((link) => link === file).length;
}

test.each(['replaced', 'removed'])(
  'a file that was %s while its lock was waited for is let go, and the one of that name is locked',
  async (change) => {
    const holder = openSync(path, 'w');
    writeSync(holder, 'old');
    expect(tryFlock(holder, 'exclusive')).toBe(true);
    const opening = openLocked(path, O_RDWR | O_CREAT);
    await vi.waitUntil(() => timesOpen(path) === 2, { timeout: 30_000, interval: 5 });
    writeFileSync(`${path}.new`, 'new');
    if (change === 'replaced') renameSync(`${path}.new`, path);
    else unlinkSync(path);
    closeSync(holder);
    const fd = await opening;
    writeSync(fd, '+', 0);
    expect(readFileSync(path, 'latin1')).toBe(change === 'replaced' ? '+ew' : '+');
    const other = openSync(path, 'r');
    expect(tryFlock(other, 'exclusive')).toBe(false);
    closeSync(other);
    await closeFd(fd);
  },
);

test('a symbolic link leads to the file that is locked, unless links are not to be followed', async () => {
  writeFileSync(path, '');
  symlinkSync('file', join(dir, 'link'));
  const fd = await openLocked(join(dir, 'link'), O_RDWR);
  expect(await leadsTo(fd, path, 0)).toBe(true);
  expect(await leadsTo(fd, join(dir, 'link'), 0)).toBe(true);
  expect(await leadsTo(fd, join(dir, 'link'), O_NOFOLLOW)).toBe(false);
  expect(await leadsTo(fd, join(dir, 'none'), 0)).toBe(false);
  await closeFd(fd);
  const refused = openLocked(join(dir, 'link'), O_RDWR | O_NOFOLLOW);
  await expect(refused).rejects.toMatchObject({ code: 'ELOOP' });
  expect(timesOpen(path)).toBe(0);
});

test('pieces of any size are gathered in their order, and the buffer of a piece may be used again', async () => {
  const fd = openSync(path, 'w');
  const out = new GatheredWriter(fd, 10);
  const piece = Buffer.alloc(25);
  let expected = '';
  for (const size of [0, 3, 7, 1, 10, 11, 25, 2, 9, 0]) {
    piece.fill(0x61 + (expected.length % 26));
    await out.write(piece.subarray(0, size));
    expected += piece.toString('latin1', 0, size);
  }
  expect(expected.startsWith(readFileSync(path, 'latin1'))).toBe(true);
  await out.flush();
  expect(readFileSync(path, 'latin1')).toBe(expected);
  closeSync(fd);
});
