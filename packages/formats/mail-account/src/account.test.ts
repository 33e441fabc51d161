import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMaildir } from '@q/maildir';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AccountSettings, type MailAccount, openAccount } from './index.ts';

let home: string;
let root: string;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'mail-account-'));
  root = join(home, 'Maildir');
  await makeMaildir(root);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function open(settings: Partial<AccountSettings> = {}): Promise<MailAccount> {
  return openAccount({ root, user: 'ann', namespace: 'modern', ...settings });
}

const namesOf = async (account: MailAccount) =>
  (await account.folders()).map(({ name, exists, hasChildren }) =>
    [name, exists ? '' : '-', hasChildren ? '+' : ''].join(''),
  );

test('a folder is made with all its parts, and levels above it need not exist', async () => {
  const account = await open();
  const place = await account.create('Arch/Tést', []);
  expect(place).toMatchObject({ name: 'Arch/Tést', dir: join(root, '.Arch.Tést'), root });
  expect(readdirSync(place.dir).sort()).toEqual([
    'courierimapacl',
    'cur',
    'maildirfolder',
    'new',
    'tmp',
  ]);
  expect(readFileSync(join(place.dir, 'courierimapacl'), 'latin1')).toBe(
    'owner aceilrstwx\nadministrators aceilrstwx\n',
  );
  expect(await namesOf(account)).toEqual(['INBOX', 'Arch-+', 'Arch/Tést']);
  await expect(account.create('Arch/Tést/', [])).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
});

test('one Maildir has the names of both namespaces', async () => {
  await (await open()).create('Arch/2026', []);
  const account = await open({ namespace: 'courier' });
  expect(await namesOf(account)).toEqual(['INBOX+', 'INBOX.Arch-+', 'INBOX.Arch.2026']);
  expect(account.namespaces.personal).toEqual([{ prefix: 'INBOX.', separator: '.' }]);
  expect(account.locate('inbox.Arch.2026').name).toBe('INBOX.Arch.2026');
});

test('a removed folder is gone at once, those below it stay', async () => {
  const account = await open();
  await account.create('a', []);
  await account.create('a/b', []);
  await account.remove('a');
  expect(await namesOf(account)).toEqual(['INBOX', 'a-+', 'a/b']);
  expect(existsSync(join(root, '.a'))).toBe(false);
  await expect(account.remove('a')).rejects.toMatchObject({ code: 'NONEXISTENT' });
  await expect(account.remove('inbox')).rejects.toMatchObject({ code: 'CANNOT' });
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
});

test('a folder is renamed with all below it', async () => {
  const account = await open();
  for (const name of ['a', 'a/b', 'a/b/c', 'ab']) await account.create(name, []);
  const moved = await account.rename('a', 'x/y');
  expect(moved.map(({ from, to }) => `${from.name} ${to.name} ${to.dir}`).sort()).toEqual([
    `a x/y ${root}/.x.y`,
    `a/b x/y/b ${root}/.x.y.b`,
    `a/b/c x/y/b/c ${root}/.x.y.b.c`,
  ]);
  expect(await namesOf(account)).toEqual(['INBOX', 'ab', 'x-+', 'x/y+', 'x/y/b+', 'x/y/b/c']);
  await expect(account.rename('x/y', 'x/y/b/z')).rejects.toMatchObject({ code: 'CANNOT' });
  await expect(account.rename('x/y', 'ab')).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
});

test("subscriptions are Courier's, whatever the namespace", async () => {
  const account = await open();
  await account.create('Arch', []);
  await account.subscribe('Arch');
  await account.subscribe('not/thére');
  await account.subscribe('INBOX');
  const file = join(root, 'courierimapsubscribed');
  expect(readFileSync(file, 'utf8')).toBe('INBOX.Arch\nINBOX.not.thére\nINBOX\n');
  expect(await account.subscriptions()).toEqual(['Arch', 'not/thére', 'INBOX']);
  const subscribed = (await account.folders()).filter((folder) => folder.subscribed);
  expect(subscribed.map(({ name }) => name)).toEqual(['INBOX', 'Arch']);
  await account.unsubscribe('Arch');
  expect(await (await open({ namespace: 'courier' })).subscriptions()).toEqual([
    'INBOX.not.thére',
    'INBOX',
  ]);
});
