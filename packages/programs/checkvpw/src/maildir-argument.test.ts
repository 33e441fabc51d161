import type { Settings } from '@q/vmailmgr';
import { expect, test } from 'vitest';
import { maildirArgument } from './maildir-argument.ts';

const settings = (word: string) => ({ string: () => word }) as unknown as Settings;

test('the first argument with the word in it, in any case, or else the last one; never the program', () => {
  const at = (...args: string[]) => maildirArgument(args, settings('maildir'));
  expect(at('qmail-pop3d', 'Maildir/')).toBe(1);
  expect(at('p', 'x', 'my-MAILDIR', 'Maildir', 'y')).toBe(2);
  expect(at('p', 'x', 'y')).toBe(2);
  expect(at('/opt/maildir-tools/imapd', 'x')).toBe(1);
  expect(at('/opt/maildir-tools/imapd')).toBeUndefined();
});
