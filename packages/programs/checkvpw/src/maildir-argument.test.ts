import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '@q/vmailmgr';
import { expect, test } from 'vitest';
import { maildirArgument, usableMaildir } from './maildir-argument.ts';

const settings = (word: string) =>
  ({ string: () => word, directory: () => '/error/' }) as unknown as Settings;

test('the first argument with the word in it, in any case, or else the last one; never the program', () => {
  const at = (...args: string[]) => maildirArgument(args, settings('maildir'));
  expect(at('qmail-pop3d', 'Maildir/')).toBe(1);
  expect(at('p', 'x', 'my-MAILDIR', 'Maildir', 'y')).toBe(2);
  expect(at('p', 'x', 'y')).toBe(2);
  expect(at('/opt/maildir-tools/imapd', 'x')).toBe(1);
  expect(at('/opt/maildir-tools/imapd')).toBeUndefined();
});

test('what is no directory is replaced by error-maildir', () => {
  const dir = mkdtempSync(join(tmpdir(), 'maildir-argument-'));
  expect(usableMaildir(dir, settings(''))).toBe(dir);
  rmdirSync(dir);
  expect(usableMaildir(dir, settings(''))).toBe('/error/');
  expect(usableMaildir('/etc/passwd/x', settings(''))).toBe('/error/');
  expect(usableMaildir('x'.repeat(5000), settings(''))).toBe('/error/');
});
