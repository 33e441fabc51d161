import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Settings, usableMaildir } from './index.ts';

const settings = { directory: () => '/error/' } as unknown as Settings;

test('what is no directory is replaced by error-maildir', () => {
  const dir = mkdtempSync(join(tmpdir(), 'maildir-argument-'));
  expect(usableMaildir(dir, settings)).toBe(dir);
  rmdirSync(dir);
  expect(usableMaildir(dir, settings)).toBe('/error/');
  expect(usableMaildir('/etc/passwd/x', settings)).toBe('/error/');
  expect(usableMaildir('x'.repeat(5000), settings)).toBe('/error/');
});
