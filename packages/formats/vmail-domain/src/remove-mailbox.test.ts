import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isSetAside, overlap, removeMailbox, sweepDeleted } from './remove-mailbox.ts';

let top: string;
let before: string;

beforeEach(() => {
  before = process.cwd();
  top = mkdtempSync(join(tmpdir(), 'remove-'));
  for (const dir of ['home/users/a/new', 'home/users/b', 'home/other', 'outside'])
    mkdirSync(join(top, dir), { recursive: true });
  symlinkSync('../../outside', join(top, 'home/users/out'));
  writeFileSync(join(top, 'outside/precious'), '');
  process.chdir(join(top, 'home'));
});
afterEach(() => {
  process.chdir(before);
  rmSync(top, { recursive: true, force: true });
});

test('a directory below users goes with all that is in it', () => {
  expect(removeMailbox('./users/a', 'users/')).toBe(true);
  expect(removeMailbox('./users/a', 'users/')).toBe(false);
  expect(readdirSync('users').sort()).toEqual(['b', 'out']);
});

test('whatever a record says, nothing outside users goes, nor users itself', () => {
  const part = fc.constantFrom(
    '..',
    '.',
    '',
    'users',
    'a',
    'out',
    'other',
    'precious',
    '~',
    '\u00e9',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.boolean(), (parts, absolute) => {
      const path = `${absolute ? '/' : ''}${parts.join('/')}`;
      try {
        removeMailbox(path, 'users/');
      } catch {
        // Refused.
      }
      for (const kept of ['home/users', 'home/other', 'outside/precious'])
        expect(existsSync(join(top, kept)), path).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('users may be a link to another disk', () => {
  mkdirSync(join(top, 'disk/me'), { recursive: true });
  symlinkSync('../disk', 'mail');
  expect(removeMailbox('./mail/me', 'mail/')).toBe(true);
  expect(readdirSync(join(top, 'disk'))).toEqual([]);
});

test('what an interrupted deletion set aside is removed, and no user may have such a directory', () => {
  mkdirSync('users/.deleted.1.2.3/new', { recursive: true });
  sweepDeleted('users/');
  expect(readdirSync('users').sort()).toEqual(['a', 'b', 'out']);
  sweepDeleted('missing/');
  expect(isSetAside('users/.deleted.1.2.3')).toBe(true);
  expect(isSetAside('./users/../users/.deleted.x/y')).toBe(true);
  expect(isSetAside('users/deleted')).toBe(false);
});

test('two directories overlap when one is the other or is in it', () => {
  expect(overlap('./users/a', 'users/a/')).toBe(true);
  expect(overlap('users/a', 'users/a/b')).toBe(true);
  expect(overlap('users/a/b', 'users/./a')).toBe(true);
  expect(overlap('users/a', 'users/ab')).toBe(false);
  expect(overlap('users/a', '')).toBe(false);
});
