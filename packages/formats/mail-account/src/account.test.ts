import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withLock } from './account-lock.ts';
import { namesOf, useMaildir } from './testing/maildir.ts';

const maildir = useMaildir();

test('a folder is made with all its parts, and levels above it need not exist', async () => {
  const account = await maildir.open();
  const place = await account.create('Arch/Tést', []);
  expect(place).toMatchObject({ name: 'Arch/Tést', dir: join(maildir.root, '.Arch.Tést') });
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
  expect(readdirSync(join(maildir.root, 'tmp'))).toEqual([]);
});

test('one Maildir has the names of both namespaces', async () => {
  await (await maildir.open()).create('Arch/2026', []);
  const account = await maildir.open({ namespace: 'courier' });
  expect(await namesOf(account)).toEqual(['INBOX+', 'INBOX.Arch-+', 'INBOX.Arch.2026']);
  expect(account.namespaces.personal).toEqual([{ prefix: 'INBOX.', separator: '.' }]);
  expect(account.locate('inbox.Arch.2026').name).toBe('INBOX.Arch.2026');
});

test('a removed folder is gone at once, those below it stay', async () => {
  const account = await maildir.open();
  await account.create('a', []);
  await account.create('a/b', []);
  await account.remove('a');
  expect(await namesOf(account)).toEqual(['INBOX', 'a-+', 'a/b']);
  expect(existsSync(join(maildir.root, '.a'))).toBe(false);
  await expect(account.remove('a')).rejects.toMatchObject({ code: 'NONEXISTENT' });
  await expect(account.remove('inbox')).rejects.toMatchObject({ code: 'CANNOT' });
  expect(readdirSync(join(maildir.root, 'tmp'))).toEqual([]);
});

test('a folder is renamed with all below it', async () => {
  const account = await maildir.open();
  for (const name of ['a', 'a/b', 'a/b/c', 'ab']) await account.create(name, []);
  const moved = await account.rename('a', 'x/y');
  expect(moved.map(({ from, to }) => `${from.name} ${to.name} ${to.dir}`).sort()).toEqual([
    `a x/y ${maildir.root}/.x.y`,
    `a/b x/y/b ${maildir.root}/.x.y.b`,
    `a/b/c x/y/b/c ${maildir.root}/.x.y.b.c`,
  ]);
  expect(await namesOf(account)).toEqual(['INBOX', 'ab', 'x-+', 'x/y+', 'x/y/b+', 'x/y/b/c']);
  await expect(account.rename('x/y', 'x/y/b/z')).rejects.toMatchObject({ code: 'CANNOT' });
  await expect(account.rename('x/y', 'ab')).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
});

test("subscriptions are Courier's, whatever the namespace", async () => {
  const account = await maildir.open();
  await account.create('Arch', []);
  await account.subscribe('Arch');
  await account.subscribe('not/thére');
  await account.subscribe('INBOX');
  const file = join(maildir.root, 'courierimapsubscribed');
  expect(readFileSync(file, 'utf8')).toBe('INBOX.Arch\nINBOX.not.thére\nINBOX\n');
  expect(await account.subscriptions()).toEqual(['Arch', 'not/thére', 'INBOX']);
  const subscribed = (await account.folders()).filter((folder) => folder.subscribed);
  expect(subscribed.map(({ name }) => name)).toEqual(['INBOX', 'Arch']);
  await account.unsubscribe('Arch');
  expect(await (await maildir.open({ namespace: 'courier' })).subscriptions()).toEqual([
    'INBOX.not.thére',
    'INBOX',
  ]);
});

test("Dovecot's subscriptions are taken over by the first change", async () => {
  const theirs = join(maildir.root, 'subscriptions');
  writeFileSync(theirs, 'V\t2\n\nINBOX\nArch\tT&AOk-st\nSent\n');
  const account = await maildir.open();
  expect(await account.subscriptions()).toEqual(['INBOX', 'Arch/Tést', 'Sent']);
  await account.unsubscribe('Sent');
  writeFileSync(theirs, 'Other\n');
  expect(await account.subscriptions()).toEqual(['INBOX', 'Arch/Tést']);
});

test("Dovecot's first kind of subscriptions has a name a line", async () => {
  writeFileSync(join(maildir.root, 'subscriptions'), 'Arch.T&AOk-st\ninbox\n../x\n');
  expect(await (await maildir.open()).subscriptions()).toEqual(['Arch/Tést', 'INBOX']);
});

test('a subscription is one, in whichever form it was written', async () => {
  const file = join(maildir.root, 'courierimapsubscribed');
  writeFileSync(file, 'INBOX.T&AOk-st\nINBOX.Tést\nINBOX.R&-D\nnonsense\n');
  const account = await maildir.open();
  expect(await account.subscriptions()).toEqual(['Tést', 'R&D']);
  await account.unsubscribe('Tést');
  await account.subscribe('R&-D');
  await account.subscribe('R&D');
  expect(readFileSync(file, 'utf8')).toBe('INBOX.R&-D\nnonsense\nINBOX.R&--D\n');
  expect(await account.subscriptions()).toEqual(['R&D', 'R&-D']);
});

test('folders of older programs keep their directories', async () => {
  maildir.makeFolder('.Entw&APw-rfe');
  maildir.makeFolder('.R&-D');
  const account = await maildir.open();
  expect(await namesOf(account)).toEqual(['INBOX', 'Entwürfe', 'R&D']);
  expect((await account.find('Entwürfe', 'r')).dir).toBe(join(maildir.root, '.Entw&APw-rfe'));
  await expect(account.create('Entwürfe', [])).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
  await expect(account.find('R&-D', 'r')).rejects.toMatchObject({ code: 'NONEXISTENT' });
  await account.rename('Entwürfe', 'Drafts/ü');
  await account.remove('R&D');
  expect(await namesOf(account)).toEqual(['INBOX', 'Drafts-+', 'Drafts/ü']);
  expect(existsSync(join(maildir.root, '.Drafts.ü/cur'))).toBe(true);
});

test('what another program makes, renames and removes is seen at once', async () => {
  const account = await maildir.open();
  expect(await namesOf(account)).toEqual(['INBOX']);
  maildir.makeFolder('.&AOk-');
  expect(account.locate('é').dir).toBe(join(maildir.root, '.&AOk-'));
  renameSync(join(maildir.root, '.&AOk-'), join(maildir.root, '.é'));
  expect(account.locate('é').dir).toBe(join(maildir.root, '.é'));
  expect(await namesOf(account)).toEqual(['INBOX', 'é']);
});

test('links, files and half folders are no folders, and nothing is made over them', async () => {
  const outside = maildir.makeFolder('other', maildir.top);
  symlinkSync(outside, join(maildir.root, '.link'));
  symlinkSync('/nonexistent', join(maildir.root, '.dangling'));
  writeFileSync(join(maildir.root, '.file'), '');
  execFileSync('mkfifo', [join(maildir.root, '.fifo')]);
  mkdirSync(join(maildir.root, '.empty'));
  mkdirSync(join(maildir.root, '.linked-cur'));
  symlinkSync(join(outside, 'cur'), join(maildir.root, '.linked-cur/cur'));
  const account = await maildir.open();
  expect(await namesOf(account)).toEqual(['INBOX']);
  for (const name of ['link', 'dangling', 'file', 'fifo', 'empty', 'linked-cur']) {
    await expect(account.find(name, 'r')).rejects.toMatchObject({ code: 'NONEXISTENT' });
    await expect(account.create(name, [])).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
    await expect(account.remove(name)).rejects.toMatchObject({ code: 'NONEXISTENT' });
    await expect(account.rename(name, 'new')).rejects.toMatchObject({ code: 'NONEXISTENT' });
  }
  expect(readdirSync(join(maildir.root, 'tmp'))).toEqual([]);
  expect(readdirSync(outside).sort()).toEqual(['cur', 'new', 'tmp']);
});

test('the Maildir itself may be reached by a link', async () => {
  const link = join(maildir.top, 'link');
  symlinkSync(maildir.root, link);
  const account = await maildir.open({ root: link });
  expect(await account.find('inbox', 'r')).toMatchObject({ name: 'INBOX', dir: link });
});

test('without a Maildir there is no account', async () => {
  const nowhere = join(maildir.top, 'nowhere');
  await expect(maildir.open({ root: nowhere })).rejects.toMatchObject({ exitCode: 111 });
});

test.each(['a*b', '%', 'R&-D', 'a..b', '../x', '/etc/passwd', 'a\u0001', '#shared/bob'])(
  'nothing is made of the name %j',
  async (name) => {
    const account = await maildir.open();
    const before = readdirSync(maildir.root);
    await expect(account.create(name, [])).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:CANNOT|NONEXISTENT)$/),
    });
    maildir.makeFolder('.a');
    await expect(account.rename('a', name)).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:CANNOT|NONEXISTENT)$/),
    });
    const after = readdirSync(maildir.root).filter((one) => one !== 'imapaccount.lock');
    expect(after.sort()).toEqual([...before, '.a'].sort());
  },
);

test('a folder that Courier made with a wildcard in its name can be read, renamed and removed', async () => {
  maildir.makeFolder('.a*%');
  maildir.makeFolder('.b*');
  const account = await maildir.open();
  expect(await account.find('a*%', 'r')).toMatchObject({ name: 'a*%' });
  await account.rename('a*%', 'plain');
  await account.remove('b*');
  expect(await namesOf(account)).toEqual(['INBOX', 'plain']);
});

test('a name that would be too long for one of those below is refused before anything is renamed', async () => {
  maildir.makeFolder('.a');
  maildir.makeFolder(`.a.${'x'.repeat(200)}`);
  const account = await maildir.open();
  await expect(account.rename('a', 'y'.repeat(100))).rejects.toMatchObject({ code: 'LIMIT' });
  expect(await namesOf(account)).toEqual(['INBOX', 'a+', `a/${'x'.repeat(200)}`]);
});

test('RENAME that broke off is brought to its end by the same command', async () => {
  for (const directory of ['.a', '.a.b', '.a.c']) maildir.makeFolder(directory);
  // As far as it may have come: those below go first.
  renameSync(join(maildir.root, '.a.b'), join(maildir.root, '.z.b'));
  const account = await maildir.open();
  await account.rename('a', 'z');
  expect(await namesOf(account)).toEqual(['INBOX', 'z+', 'z/b', 'z/c']);
});

test('RENAME never goes over a folder that is there', async () => {
  for (const directory of ['.a', '.a.b', '.z.b']) maildir.makeFolder(directory);
  maildir.put('.z.b/new/1.x');
  const account = await maildir.open();
  await expect(account.rename('a', 'z')).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
  await expect(account.rename('a', 'a')).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
  await expect(account.rename('INBOX', 'x')).rejects.toMatchObject({ code: 'CANNOT' });
  await expect(account.rename('a', 'inbox')).rejects.toMatchObject({ code: 'CANNOT' });
  expect(await namesOf(account)).toEqual(['INBOX', 'a+', 'a/b', 'z-+', 'z/b']);
});

test('RENAME looks at all that is in its way before it begins', async () => {
  for (const directory of ['.a', '.a.b', '.a.b.c']) maildir.makeFolder(directory);
  symlinkSync('/nonexistent', join(maildir.root, '.z'));
  const account = await maildir.open();
  await expect(account.rename('a', 'z')).rejects.toMatchObject({ code: 'ALREADYEXISTS' });
  expect(await namesOf(account)).toEqual(['INBOX', 'a+', 'a/b+', 'a/b/c']);
});

test('of many who make one folder one has made it', async () => {
  const accounts = await Promise.all(Array.from({ length: 8 }, () => maildir.open()));
  const made = await Promise.allSettled(accounts.map((account) => account.create('a/b', [])));
  expect(made.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  expect(readdirSync(join(maildir.root, 'tmp'))).toEqual([]);
});

test('many subscriptions at once are all kept', async () => {
  const accounts = await Promise.all(Array.from({ length: 20 }, () => maildir.open()));
  await Promise.all(accounts.map((account, index) => account.subscribe(`f${index}`)));
  expect((await accounts[0]?.subscriptions())?.length).toBe(20);
});

test('a lock file that is a link, or gone, is no way out', async () => {
  const file = join(maildir.root, 'imapaccount.lock');
  const elsewhere = join(maildir.top, 'elsewhere');
  symlinkSync(elsewhere, file);
  const account = await maildir.open();
  await expect(account.subscribe('a')).rejects.toThrow('unable to change');
  expect(existsSync(elsewhere)).toBe(false);
  unlinkSync(file);
  await withLock(maildir.root, async () => unlinkSync(file));
  await account.subscribe('a');
  expect(await account.subscriptions()).toEqual(['a']);
});

test('hundreds of folders are listed, with their levels', async () => {
  for (let i = 0; i < 300; i++)
    mkdirSync(join(maildir.root, `.a${i % 10}.b.c${i}/cur`), { recursive: true });
  const names = await namesOf(await maildir.open());
  expect(names.length).toBe(1 + 10 + 10 + 300);
  expect(names.slice(0, 4)).toEqual(['INBOX', 'a0-+', 'a0/b-+', 'a0/b/c0']);
});
