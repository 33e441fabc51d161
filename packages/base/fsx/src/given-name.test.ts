import {
  linkSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { giveLink, giveName, isSameFile } from './index.ts';

let dir: string;
let file: string;
let target: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'given-'));
  file = join(dir, 'file');
  target = join(dir, 'target');
  writeFileSync(file, 'text');
});
afterEach(() => rmSync(dir, { recursive: true }));

test('a file has the name it was given, and the one it had: a link twice over is no error', () => {
  giveLink(file, target);
  giveLink(file, target);
  expect(isSameFile(file, target)).toBe(true);
  expect(readdirSync(dir)).toEqual(['file', 'target']);
});

test('a name that another file has is not given', () => {
  writeFileSync(target, 'text');
  expect(() => giveLink(file, target)).toThrow('EEXIST');
  expect(() => giveLink(join(dir, 'none'), join(dir, 'new'))).toThrow('ENOENT');
  expect(isSameFile(file, target)).toBe(false);
});

test('a file that has its new name already, and no longer the old one, is taken for renamed', () => {
  const identity = statSync(file, { bigint: true });
  giveName(file, target, identity);
  giveName(file, target, identity);
  expect(readdirSync(dir)).toEqual(['target']);
});

test('a rename that was not done is an error: the old name is there, or another file has the new one', () => {
  const identity = statSync(file, { bigint: true });
  const nowhere = join(dir, 'none/target');
  expect(() => giveName(file, nowhere, identity)).toThrow('ENOENT');
  writeFileSync(target, 'other');
  expect(() => giveName(join(dir, 'none'), target, identity)).toThrow('ENOENT');
});

test('a symbolic link is no other name of what it leads to, and what is not there is the same as nothing', () => {
  symlinkSync('file', join(dir, 'symbolic'));
  linkSync(file, target);
  expect(isSameFile(file, join(dir, 'symbolic'))).toBe(false);
  expect(isSameFile(file, Buffer.from(target))).toBe(true);
  expect(isSameFile(join(dir, 'none'), join(dir, 'none'))).toBe(false);
});
