import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isExecutable, programBeside } from './index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'executable-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const program = (path: string) => writeFileSync(join(dir, path), '', { mode: 0o755 });

test('a program is executable, also by a link; a text, a link that leads nowhere, and nothing are not', () => {
  program('program');
  writeFileSync(join(dir, 'text'), '', { mode: 0o644 });
  symlinkSync('program', join(dir, 'link'));
  symlinkSync('gone', join(dir, 'nowhere'));
  const names = ['program', 'link', 'text', 'nowhere', 'none', 'text/below'];
  const executable = names.filter((name) => isExecutable(join(dir, name)));
  expect(executable).toEqual(['program', 'link']);
});

test('the program beside another is found by the name it was started by, then by what that leads to', () => {
  for (const name of ['home', 'usr']) mkdirSync(join(dir, name));
  program('home/sendmail');
  symlinkSync('../home/sendmail', join(dir, 'usr/sendmail'));
  symlinkSync('../home/sendmail', join(dir, 'usr/newaliases'));
  const beside = (name: string) => programBeside(join(dir, 'usr/sendmail'), name);
  expect(beside('inject')).toBeUndefined();
  program('home/inject');
  expect(beside('inject')).toBe(join(dir, 'home/inject'));
  program('usr/inject');
  expect(beside('inject')).toBe(join(dir, 'usr/inject'));
  expect(beside('newaliases')).toBeUndefined(); // that is sendmail itself
});
