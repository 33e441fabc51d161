import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { admitSystem, admitVirtual } from './authenticate.ts';
import { EXIT_LOGIN_REFUSED, openSettings, openTable, updateTable, userDefaults } from './index.ts';

describe('a virtual user whom a certificate vouches for', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'admit-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  async function admit(name: string, change: Partial<ReturnType<typeof userDefaults>>) {
    const path = join(dir, 'passwd.cdb');
    const user = userDefaults(openSettings({ env: { QMAILHOME: dir } }));
    const record = { ...user, hasMailbox: true, directory: './users/me', ...change };
    await updateTable(path, (draft) => draft.set('me', record));
    const table = openTable(path);
    try {
      return admitVirtual(table, name, 100);
    } finally {
      table.close();
    }
  }

  test('is let in without a password, also where none matches', async () => {
    expect((await admit('Me', { password: '*' })).directory).toBe('./users/me');
    expect((await admit('me', { mailboxEnabled: false })).directory).toBe('./users/me');
  });

  test.each([
    ['nobody', {}, 'Invalid or unknown virtual user'],
    ['', {}, 'Invalid or unknown virtual user'],
    ['me', { hasMailbox: false }, 'Invalid or unknown virtual user'],
    ['me', { expiry: 99 }, 'Account has expired'],
    ['me', { password: '!$6$x$y' }, 'Account is locked'],
  ])('is not %j where the record has %j: %s', async (name, change, message) => {
    const code = { message, exitCode: EXIT_LOGIN_REFUSED };
    await expect(admit(name, change)).rejects.toMatchObject(code);
  });
});

test('a system user is let in unless the account is missing, locked, or over by the shadow file', () => {
  const shadow: Record<string, { password: string; expires?: number }> = {
    joe: { password: '$6$x$y' },
    keys: { password: '*', expires: 11 },
    locked: { password: '!$6$x$y' },
    gone: { password: '$6$x$y', expires: 10 },
  };
  const accounts = {
    getpwnam: (name: string) =>
      name in shadow ? { password: 'x' } : name === 'old' ? { password: '!' } : undefined,
    getspnam: (name: string) => shadow[name],
  };
  const admit = (name: string) => admitSystem(name, accounts, 10 * 86_400);
  admit('joe');
  admit('keys');
  for (const [name, message] of [
    ['locked', 'Account is locked'],
    ['old', 'Account is locked'],
    ['gone', 'Account has expired'],
    ['jane', 'Invalid or unknown base user or domain'],
  ] as const)
    expect(() => admit(name)).toThrow(message);
});
