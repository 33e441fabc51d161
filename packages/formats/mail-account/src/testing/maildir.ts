// A Maildir of a test's own, with accounts that look into it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMaildir } from '@q/maildir';
import { afterEach, beforeEach } from 'vitest';
import { type AccountSettings, type MailAccount, openAccount } from '../index.ts';

export class TestMaildir {
  /** Holds the Maildir, and whatever else a test needs. */
  top = '';

  get root(): string {
    return join(this.top, 'Maildir');
  }

  open(settings: Partial<AccountSettings> = {}): Promise<MailAccount> {
    return openAccount({ root: this.root, user: 'ann', namespace: 'modern', ...settings });
  }

  /** A folder as other programs leave it: nothing but the directories. */
  makeFolder(directory: string, root = this.root): string {
    const dir = join(root, directory);
    for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(dir, name), { recursive: true });
    return dir;
  }

  /** A message of so many bytes, by its file's name ("new/1.a", "cur/1.a:2,S"). */
  put(name: string, bytes = 10, root = this.root): string {
    const path = join(root, name);
    writeFileSync(path, 'x'.repeat(bytes));
    return path;
  }
}

/** One for each test, removed after it. */
export function useMaildir(): TestMaildir {
  const maildir = new TestMaildir();
  beforeEach(async () => {
    maildir.top = mkdtempSync(join(tmpdir(), 'mail-account-'));
    await makeMaildir(maildir.root);
  });
  afterEach(() => rmSync(maildir.top, { recursive: true, force: true }));
  return maildir;
}

/** "name", with "-" when it cannot be selected and "+" when there is more below. */
export async function namesOf(account: MailAccount, which?: 'personal' | 'all'): Promise<string[]> {
  const folders = await account.folders(which);
  return folders.map(
    ({ name, exists, hasChildren }) => name + (exists ? '' : '-') + (hasChildren ? '+' : ''),
  );
}
