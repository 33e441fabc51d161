import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { namesOf, useMaildir } from './testing/maildir.ts';

const maildir = useMaildir();

/** Accounts bob and c.d/e beside ann's, the second in a group. */
function writeIndex(): string {
  for (const user of ['bob', 'carl'])
    for (const directory of ['', '.Plans', '.Plans.2026', '.Secret'])
      maildir.makeFolder(join(user, 'Maildir', directory), maildir.top);
  const index = join(maildir.top, 'index');
  writeFileSync(
    index,
    [
      '# accounts',
      `bob\t1000\t1000\t${maildir.top}/bob`,
      `ann\t1000\t1000\t${maildir.top}`,
      `gone\t1000\t1000\t${maildir.top}/gone`,
      'Séles\t*\tindex.sales',
      'nonsense',
      'root\t0\t0\t/root',
      'relative\t1000\t1000\thome',
      '',
    ].join('\n'),
  );
  writeFileSync(
    `${index}.sales`,
    `c.d/e\\\t1000\t1000\t${maildir.top}/carl\t./Maildir\t# a comment\nSéles\t*\tindex.sales\n`,
  );
  return index;
}

const allow = (user: string, directory: string, lines: string) =>
  writeFileSync(join(maildir.top, user, 'Maildir', directory, 'courierimapacl'), lines);

test('folders of others are seen by those who were given the right, and by nobody else', async () => {
  const sharedIndex = writeIndex();
  allow('bob', '.Plans.2026', 'owner la\nuser=ann lrs\n');
  allow('carl', '', 'owner la\n');
  allow('carl', '.Plans', 'owner la\ngroup=sales lri\n');
  const account = await maildir.open({ sharedIndex, groups: ['sales'] });
  expect(account.namespaces.shared).toEqual([{ prefix: '#shared/', separator: '/' }]);
  expect(await namesOf(account)).toEqual([
    'INBOX',
    '#shared/Séles-+',
    '#shared/Séles/c d e\\-+',
    '#shared/Séles/c d e\\/Plans+',
    '#shared/Séles/c d e\\/Plans/2026',
    '#shared/bob-+',
    '#shared/bob/Plans-+',
    '#shared/bob/Plans/2026',
  ]);
  expect(await namesOf(account, 'personal')).toEqual(['INBOX']);
  const place = await account.find('#shared/bob/Plans/2026', 'rs');
  expect(place).toMatchObject({
    space: 'shared',
    dir: join(maildir.top, 'bob/Maildir/.Plans.2026'),
    root: join(maildir.top, 'bob/Maildir'),
  });
  expect(await account.rights(place)).toBe('lrs');
  await expect(account.find('#shared/bob/Plans/2026', 'w')).rejects.toMatchObject({
    code: 'NOPERM',
  });
  expect(await namesOf(await maildir.open({ sharedIndex, user: 'eve' }))).toEqual(['INBOX']);
});

test.each([
  '#shared/bob',
  '#shared/bob/Secret',
  '#shared/bob/none',
  '#shared/gone',
  '#shared/none',
  '#shared/ann',
  '#shared/root',
  '#shared/Séles/Séles/bob',
  '#shared',
])('%s, which one may not see, is not there, whatever is asked', async (name) => {
  const account = await maildir.open({ sharedIndex: writeIndex() });
  maildir.makeFolder('.mine');
  const refused = { code: expect.stringMatching(/^(?:NONEXISTENT|CANNOT)$/) };
  await expect(account.find(name, 'r')).rejects.toMatchObject(refused);
  await expect(account.create(name, [])).rejects.toMatchObject(refused);
  await expect(account.create(`${name}/x`, [])).rejects.toMatchObject(refused);
  await expect(account.remove(name)).rejects.toMatchObject(refused);
  await expect(account.rename(name, 'x')).rejects.toMatchObject(refused);
  await expect(account.rename('mine', `${name}/x`)).rejects.toMatchObject(refused);
});

test("Courier's names of shared folders, and names that lose nothing", async () => {
  const sharedIndex = writeIndex();
  allow('carl', '', 'anyone l\n');
  const courier = await maildir.open({ sharedIndex, namespace: 'courier' });
  expect(courier.namespaces.shared).toEqual([{ prefix: '#shared.', separator: '.' }]);
  expect((await namesOf(courier, 'all')).slice(0, 3)).toEqual([
    'INBOX',
    '#shared.Séles-+',
    '#shared.Séles.c d e\\+',
  ]);
  const munged = await maildir.open({ sharedIndex, namespace: 'courier', sharedNamesMunged: true });
  expect(await munged.find('#shared.Séles.c\\:d\\;e\\\\', '')).toMatchObject({ space: 'shared' });
});

test("whoever may make and remove folders of another does so in the other's Maildir", async () => {
  const sharedIndex = writeIndex();
  allow('bob', '.Plans', 'owner la\nuser=ann lrswcxtea\n');
  const account = await maildir.open({ sharedIndex });
  const made = await account.create('#shared/bob/Plans/new', []);
  expect(made.dir).toBe(join(maildir.top, 'bob/Maildir/.Plans.new'));
  expect(readFileSync(join(made.dir, 'courierimapacl'), 'latin1')).toContain('user=ann acelrstwx');
  const moved = await account.rename('#shared/bob/Plans/new', '#shared/bob/Plans/newer');
  expect(moved.map(({ to }) => to.name)).toEqual(['#shared/bob/Plans/newer']);
  await expect(account.rename('#shared/bob/Plans/newer', 'mine')).rejects.toMatchObject({
    code: 'CANNOT',
  });
  await expect(account.create('#shared/bob/x', [])).rejects.toMatchObject({ code: 'NONEXISTENT' });
  await account.setAcl(account.locate('#shared/bob/Plans/newer'), 'carl', 'replace', 'lr');
  await account.remove('#shared/bob/Plans/newer');
  await account.subscribe('#shared/bob/Plans');
  expect(readFileSync(join(maildir.root, 'courierimapsubscribed'), 'utf8')).toBe(
    '#shared.bob.Plans\n',
  );
});

test('an account that shows no shared folders has none', async () => {
  const sharedIndex = writeIndex();
  allow('bob', '', 'anyone lr\n');
  const account = await maildir.open({ sharedIndex, shared: false });
  expect(account.namespaces.shared).toEqual([]);
  await expect(account.find('#shared/bob', 'r')).rejects.toMatchObject({ code: 'NONEXISTENT' });
});

test('an index without end, or without lines, does no harm', async () => {
  const index = join(maildir.top, 'index');
  writeFileSync(index, 'a\t*\tindex\n');
  const account = await maildir.open({ sharedIndex: index });
  expect(await namesOf(account)).toEqual(['INBOX']);
  await expect(account.find(`#shared/${Array(100).fill('a').join('/')}`, '')).rejects.toMatchObject(
    {
      code: 'NONEXISTENT',
    },
  );
  mkdirSync(join(maildir.top, 'dir'));
  expect(await namesOf(await maildir.open({ sharedIndex: join(maildir.top, 'dir') }))).toEqual([
    'INBOX',
  ]);
  expect(await namesOf(await maildir.open({ sharedIndex: '/nonexistent' }))).toEqual(['INBOX']);
});
