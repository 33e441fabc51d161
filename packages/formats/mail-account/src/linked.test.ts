import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { namesOf, useMaildir } from './testing/maildir.ts';

const maildir = useMaildir();

/** A Maildir with folders to share, and the line that says where it is. */
function share(): string {
  const source = maildir.makeFolder('firm', maildir.top);
  maildir.makeFolder('.Plans', source);
  maildir.makeFolder('.Plans.2026', source);
  writeFileSync(
    join(maildir.root, 'shared-maildirs'),
    `# comment\nfirm\t${source}\ngone /nonexistent\nno.dots ${source}\nrelative path\n`,
  );
  return source;
}

test('folders that are linked to can be selected once they are subscribed to', async () => {
  const source = share();
  const account = await maildir.open({ namespace: 'courier' });
  expect(account.namespaces.shared).toEqual([{ prefix: 'shared.', separator: '.' }]);
  expect(await namesOf(account)).toEqual([
    'INBOX',
    'shared.firm-+',
    'shared.firm.Plans-+',
    'shared.firm.Plans.2026-',
  ]);
  await expect(account.find('shared.firm.Plans', 'r')).rejects.toMatchObject({
    code: 'NONEXISTENT',
  });
  await account.subscribe('shared.firm.Plans.2026');
  const place = await account.find('shared.firm.Plans.2026', 'rsw');
  expect(place).toMatchObject({
    space: 'shared',
    dir: join(maildir.root, 'shared-folders/firm/Plans.2026'),
    root: maildir.root,
    counted: false,
  });
  expect(readlinkSync(join(place.dir, 'shared'))).toBe(join(source, '.Plans.2026'));
  expect(await account.rights(place)).toBe('lrsw');
  expect(await account.quota(place)).toBeUndefined();
  expect((await namesOf(account)).at(-1)).toBe('shared.firm.Plans.2026');
  await account.unsubscribe('shared.firm.Plans.2026');
  expect(readdirSync(join(maildir.root, 'shared-folders/firm'))).toEqual([]);
  expect(readFileSync(join(maildir.root, 'courierimapsubscribed'), 'utf8')).toBe('');
});

test("messages come and go with those of the folder, flags are one's own", async () => {
  const source = share();
  const account = await maildir.open();
  const name = '#public/firm/Plans';
  await account.subscribe(name);
  const folder = join(source, '.Plans');
  maildir.put('new/1.a', 5, folder);
  maildir.put('cur/2.b:2,S', 5, folder);
  const { dir } = await account.find(name, 'r');
  expect(readdirSync(join(folder, 'cur')).sort()).toEqual(['1.a:2,', '2.b:2,S']);
  expect(readdirSync(join(dir, 'new')).sort()).toEqual(['1.a', '2.b']);
  expect(readlinkSync(join(dir, 'new/1.a'))).toBe(join(folder, 'cur/1.a:2,'));
  expect(readFileSync(join(dir, 'new/2.b'), 'utf8')).toBe('xxxxx');
  // Seen here, replied to and gone there.
  unlinkSync(join(dir, 'new/1.a'));
  unlinkSync(join(folder, 'cur/2.b:2,S'));
  maildir.put('cur/1.a:2,R', 5, folder);
  unlinkSync(join(folder, 'cur/1.a:2,'));
  maildir.put('cur/1.a:2,S', 5, dir);
  rmSync(join(dir, 'cur/1.a:2,S'));
  await account.find(name, 'r');
  expect(readdirSync(join(dir, 'new'))).toEqual(['1.a']);
  expect(readlinkSync(join(dir, 'new/1.a'))).toBe(join(folder, 'cur/1.a:2,R'));
  expect(lstatSync(join(dir, 'shared-timestamp')).isFile()).toBe(true);
  expect(readdirSync(join(dir, 'tmp'))).toEqual([]);
});

test.each([
  '#public/firm/none',
  '#public/gone/x',
  '#public/none/x',
  '#public/firm',
  '#public/no/x',
])('%s leads nowhere', async (name) => {
  share();
  const account = await maildir.open();
  const refused = { code: 'NONEXISTENT' };
  await expect(account.find(name, 'r')).rejects.toMatchObject(refused);
  await expect(account.subscribe(name)).rejects.toMatchObject(refused);
});

test('nothing is made, removed, renamed or given away in a folder that is linked to', async () => {
  share();
  const account = await maildir.open();
  await account.subscribe('#public/firm/Plans');
  const refused = { code: expect.stringMatching(/^(?:NOPERM|CANNOT)$/) };
  await expect(account.create('#public/firm/x', [])).rejects.toMatchObject(refused);
  await expect(account.remove('#public/firm/Plans')).rejects.toMatchObject(refused);
  await expect(account.rename('#public/firm/Plans', 'x')).rejects.toMatchObject(refused);
  const place = account.locate('#public/firm/Plans');
  await expect(account.setAcl(place, 'bob', 'add', 'l')).rejects.toMatchObject(refused);
});
