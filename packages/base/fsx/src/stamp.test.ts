import {
  appendFileSync,
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stampAt, stampOf, stampsAt } from './index.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stamp-'));
  path = join(dir, 'file');
  writeFileSync(path, 'text');
});
afterEach(() => rmSync(dir, { recursive: true }));

test('a file that nobody touched has the stamp it had, by each of its names', () => {
  const stamp = stampAt(path);
  expect(stamp).toBe(stampOf(statSync(path, { bigint: true })));
  symlinkSync('file', join(dir, 'link'));
  expect(stampAt(join(dir, 'link'))).toBe(stamp);
  linkSync(path, join(dir, 'second')); // which changes ctime
  expect(stampAt(join(dir, 'second'))).toBe(stampAt(path));
});

test.each<[string, () => void]>([
  ['longer', () => appendFileSync(path, '+')],
  ['older', () => utimesSync(path, 1, 1)],
  [
    'another of the same length',
    () => {
      writeFileSync(`${path}.new`, 'next');
      renameSync(`${path}.new`, path);
    },
  ],
])('a file that is %s has another stamp', (_, change) => {
  const stamp = stampAt(path);
  change();
  expect(stampAt(path)).not.toBe(stamp);
});

test('what is not there has no stamp, and what cannot be looked at is trouble', () => {
  expect(stampAt(join(dir, 'none'))).toBeUndefined();
  expect(() => stampAt(join(dir, 'x'.repeat(300)))).toThrow('ENAMETOOLONG');
});

test('several files together have another stamp when one of them comes, changes or goes', () => {
  const paths = [path, join(dir, 'other')];
  const seen = [stampsAt(paths)];
  writeFileSync(join(dir, 'other'), 'x');
  seen.push(stampsAt(paths));
  expect(stampsAt(paths)).toBe(seen[1]);
  appendFileSync(path, '+');
  seen.push(stampsAt(paths));
  rmSync(path);
  seen.push(stampsAt(paths));
  expect(new Set(seen).size).toBe(4);
});
