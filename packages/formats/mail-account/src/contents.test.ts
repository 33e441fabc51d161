import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { METADATA_VALUE_MAX, tidyAccount } from './index.ts';
import { METADATA_ENTRIES } from './limits.ts';
import { useMaildir } from './testing/maildir.ts';

const maildir = useMaildir();

const sizeFile = () => readFileSync(join(maildir.root, 'maildirsize'), 'latin1');
/** The sum of a maildirsize's totals. */
const usageOf = () =>
  sizeFile()
    .split('\n')
    .slice(1, -1)
    .map((line) => line.trim().split(/ +/).map(Number))
    .reduce(([bytes = 0, count = 0], [b = 0, c = 0]) => [bytes + b, count + c], [0, 0]);

test('the quota is told in units of 1024 bytes, and what does not fit is refused', async () => {
  maildir.makeFolder('.Trash');
  maildir.makeFolder('.a');
  maildir.put('new/1.a', 1500);
  maildir.put('.a/cur/2.b:2,', 600);
  maildir.put('.Trash/cur/3.c:2,', 5000);
  const account = await maildir.open({ quota: '10000S,4C' });
  const inbox = account.locate('INBOX');
  expect(await account.quota(inbox)).toEqual({
    name: 'ROOT',
    resources: [
      { resource: 'STORAGE', used: 3, limit: 10 },
      { resource: 'MESSAGE', used: 2, limit: 4 },
    ],
  });
  expect(sizeFile()).toBe('10000S,4C\n       2100 2\n');
  await account.claim(inbox, 7900, 2);
  await expect(account.claim(inbox, 7901, 1)).rejects.toMatchObject({ code: 'OVERQUOTA' });
  await expect(account.claim(account.locate('a'), 1, 3)).rejects.toMatchObject({
    code: 'OVERQUOTA',
  });
  await account.claim(account.locate('Trash'), 1_000_000, 1000);
});

test('without a quota there is none, and a text that is none says nothing', async () => {
  const account = await maildir.open({ quota: 'NOQUOTA' });
  expect(await account.quota(account.locate('INBOX'))).toBeUndefined();
  await account.claim(account.locate('INBOX'), 1e12, 1e6);
  writeFileSync(join(maildir.root, 'maildirsize'), '5000S\n');
  expect(await account.quota(account.locate('INBOX'))).toMatchObject({
    resources: [{ resource: 'STORAGE', used: 0, limit: 5 }],
  });
});

test('a removed folder takes nothing from the quota any more', async () => {
  maildir.makeFolder('.a');
  maildir.put('.a/cur/1.a,S=700:2,S', 700);
  maildir.put('.a/new/2.b', 300);
  maildir.put('.a/cur/3.c:2,T', 4000);
  maildir.put('new/4.d', 11);
  const account = await maildir.open({ quota: '10000S' });
  await account.quota(account.locate('INBOX'));
  expect(usageOf()).toEqual([1011, 3]);
  await account.remove('a');
  expect(usageOf()).toEqual([11, 1]);
});

test('old messages leave Trash and other folders at login, by when they came there', async () => {
  for (const name of ['.Trash', '.Sent', '.Arch']) maildir.makeFolder(name);
  maildir.put('.Trash/cur/1.a:2,S');
  maildir.put('.Sent/new/2.b', 30);
  maildir.put('.Arch/cur/3.c:2,');
  // The time in the header of a message, or of its file, says nothing.
  utimesSync(maildir.put('.Sent/cur/4.d:2,', 40), 1, 1);
  const account = await maildir.open({ quota: '10000S' });
  await account.quota(account.locate('INBOX'));
  const emptyTrash = new Map([
    ['Trash', 7 * 86_400],
    ['Sent', 30 * 86_400],
    ['None', 1],
  ]);
  expect(await tidyAccount(maildir.root, { emptyTrash })).toBe(0);
  const day = 86_400_000;
  expect(await tidyAccount(maildir.root, { emptyTrash, now: Date.now() + 8 * day })).toBe(1);
  expect(readdirSync(join(maildir.root, '.Trash/cur'))).toEqual([]);
  expect(usageOf()).toEqual([80, 3]);
  expect(await tidyAccount(maildir.root, { emptyTrash, now: Date.now() + 31 * day })).toBe(2);
  expect(usageOf()).toEqual([10, 1]);
  expect(readdirSync(join(maildir.root, '.Arch/cur'))).toEqual(['3.c:2,']);
});

test('what crashes left of folders is swept away after a day, and nothing else', async () => {
  const { root } = maildir;
  maildir.makeFolder('tmp/1.x.removed/cur');
  maildir.put('tmp/1.x.removed/cur/1.a:2,');
  maildir.makeFolder('tmp/2.x.made');
  mkdirSync(join(root, 'tmp/other'));
  maildir.put('tmp/3.message.made');
  mkdirSync(join(root, 'courierimaphieracl'));
  maildir.makeFolder('.a.b');
  for (const name of ['a', 'c', 'a.b']) maildir.put(`courierimaphieracl/${name}`);
  const emptyTrash = new Map<string, number>();
  await tidyAccount(root, { emptyTrash });
  expect(readdirSync(join(root, 'tmp')).length).toBe(4);
  expect(readdirSync(join(root, 'courierimaphieracl')).length).toBe(3);
  await tidyAccount(root, { emptyTrash, now: Date.now() + 2 * 86_400_000 });
  expect(readdirSync(join(root, 'tmp')).sort()).toEqual(['3.message.made', 'other']);
  expect(readdirSync(join(root, 'courierimaphieracl'))).toEqual(['a']);
});

test('the annotation /private/specialuse is what the mailbox is for, and changes it', async () => {
  for (const name of ['.Sent', '.Out']) maildir.makeFolder(name);
  const account = await maildir.open();
  const entry = '/private/specialuse';
  const place = (name: string) => account.locate(name);
  const told = async (name: string) => (await account.metadata(place(name))).get(entry);
  const set = (name: string, value: string | undefined) =>
    account.setMetadata(place(name), new Map([[entry, value]]));
  expect(await told('Sent')).toBe('\\Sent');
  expect(await told('Out')).toBeUndefined();
  // Nothing could say that it is not: its name does.
  await expect(set('Sent', undefined)).rejects.toMatchObject({ code: 'USEATTR' });
  await set('Out', '\\sent \\Archive');
  expect(await told('Out')).toBe('\\Sent \\Archive');
  expect(await told('Sent')).toBeUndefined();
  await expect(set('Sent', '\\Sent')).rejects.toMatchObject({ code: 'USEATTR' });
  await set('Out', '\\Archive');
  expect(await told('Out')).toBe('\\Archive');
  expect(await told('Sent')).toBe('\\Sent');
  await set('Out', undefined);
  expect(await told('Out')).toBeUndefined();
  for (const use of ['\\All', 'Sent'])
    await expect(set('Out', use)).rejects.toMatchObject({ code: 'USEATTR' });
  await expect(set('INBOX', '\\Sent')).rejects.toMatchObject({ code: 'USEATTR' });
  await set('INBOX', undefined);
});

test('of annotations that are set with a special use that is refused, none is', async () => {
  maildir.makeFolder('.Out');
  const account = await maildir.open();
  const values = new Map([
    ['/private/comment', 'x'],
    ['/private/specialuse', '\\All'],
  ]);
  const place = account.locate('Out');
  await expect(account.setMetadata(place, values)).rejects.toMatchObject({ code: 'USEATTR' });
  expect(await account.metadata(place)).toEqual(new Map());
});

test('special uses are those that were given, else those of the usual names', async () => {
  for (const name of ['.Sent', '.Sent Items', '.Spam', '.Trash', '.x.Drafts'])
    maildir.makeFolder(name);
  const account = await maildir.open();
  const uses = async () =>
    Object.fromEntries(
      (await account.folders())
        .filter((one) => one.uses.length > 0)
        .map((one) => [one.name, one.uses.join()]),
    );
  expect(await uses()).toEqual({ Sent: '\\Sent', Spam: '\\Junk', Trash: '\\Trash' });
  await account.create('Gesendét', ['\\sent', '\\Archive']);
  expect(readFileSync(join(maildir.root, 'imapspecialuse'), 'utf8')).toBe(
    '\\Sent INBOX.Gesendét\n\\Archive INBOX.Gesendét\n',
  );
  expect(await uses()).toEqual({ Gesendét: '\\Sent,\\Archive', Spam: '\\Junk', Trash: '\\Trash' });
  for (const use of ['\\Sent', '\\All', '\\Flagged', 'Sent'])
    await expect(account.create('y', [use])).rejects.toMatchObject({ code: 'USEATTR' });
  await account.rename('Gesendét', 'x/Neu');
  expect(await uses()).toMatchObject({ 'x/Neu': '\\Sent,\\Archive' });
  await account.remove('x/Neu');
  expect(readFileSync(join(maildir.root, 'imapspecialuse'), 'utf8')).toBe('');
  expect(await uses()).toMatchObject({ Sent: '\\Sent' });
  await account.create('y', ['\\Sent']);
  expect(await uses()).toMatchObject({ y: '\\Sent' });
});

test('annotations are kept with the mailbox, private ones for each user', async () => {
  const account = await maildir.open();
  const { dir } = await account.create('a', []);
  const place = account.locate('a');
  await account.setMetadata(
    place,
    new Map([
      ['/Shared/Comment', 'Pl\u00e4ne'],
      ['/private/x', '\0\r\n"'],
    ]),
  );
  await account.setMetadata(undefined, new Map([['/private/x', 'server']]));
  expect(Object.fromEntries(await account.metadata(place))).toEqual({
    '/shared/comment': 'Pl\u00e4ne',
    '/private/x': '\0\r\n"',
  });
  expect([...(await account.metadata(undefined))]).toEqual([['/private/x', 'server']]);
  expect((await account.metadata(account.locate('INBOX'))).size).toBe(0);
  const other = await maildir.open({ user: 'ann2' });
  expect([...(await other.metadata(place)).keys()]).toEqual(['/shared/comment']);
  expect(statSync(join(dir, 'imapmetadata')).mode & 0o777).toBe(0o600);
  await account.rename('a', 'b');
  await account.setMetadata(account.locate('b'), new Map([['/shared/comment', undefined]]));
  expect([...(await account.metadata(account.locate('b'))).keys()]).toEqual(['/private/x']);
});

test('too many or too large annotations are refused, all of them', async () => {
  const account = await maildir.open();
  const place = account.locate('INBOX');
  const many = Array.from(
    { length: METADATA_ENTRIES + 1 },
    (_, i) => [`/private/${i}`, 'x'] as const,
  );
  await expect(account.setMetadata(place, new Map(many))).rejects.toMatchObject({ code: 'LIMIT' });
  const large = new Map([
    ['/private/a', 'x'],
    ['/private/b', 'x'.repeat(METADATA_VALUE_MAX + 1)],
  ]);
  await expect(account.setMetadata(place, large)).rejects.toMatchObject({ code: 'LIMIT' });
  expect((await account.metadata(place)).size).toBe(0);
});

test.each(['', 'null', '[1]', '{"/shared/x":5}', '{', '"x"'])(
  'annotations that are %j are none, and can be written anew',
  async (text) => {
    writeFileSync(join(maildir.root, 'imapmetadata'), text);
    const account = await maildir.open();
    const place = account.locate('INBOX');
    expect((await account.metadata(place)).size).toBe(0);
    await account.setMetadata(
      place,
      new Map([
        ['/shared/__proto__', 'x'],
        ['__proto__', 'y'],
      ]),
    );
    expect((await account.metadata(place)).get('/shared/__proto__')).toBe('x');
  },
);

test("no link is followed for an account's own files", async () => {
  const outside = join(maildir.top, 'outside');
  writeFileSync(outside, 'INBOX.secret\n');
  for (const name of ['courierimapsubscribed', 'imapmetadata', 'imapspecialuse', 'courierimapacl'])
    symlinkSync(outside, join(maildir.root, name));
  const account = await maildir.open();
  expect(await account.subscriptions()).toEqual([]);
  await account.subscribe('a');
  await account.setMetadata(account.locate('INBOX'), new Map([['/shared/x', 'y']]));
  await account.setAcl(account.locate('INBOX'), 'bob', 'add', 'l');
  expect(readFileSync(outside, 'utf8')).toBe('INBOX.secret\n');
});
