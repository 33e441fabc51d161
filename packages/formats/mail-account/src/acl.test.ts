import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changeAcl, computeRights, DEFAULT_ACL, decodeAcl, encodeAcl } from './acl-entries.ts';
import { useMaildir } from './testing/maildir.ts';

const maildir = useMaildir();

test('a list is read whatever is between its lines, and written as Courier writes it', () => {
  const text =
    'owner xwtsrlieca\n\nuser=b\u00c3\u00a9 lrs\nbad\x01line l\n-group=guests  i\nnobody\n';
  const entries = decodeAcl(text);
  expect(entries).toEqual([
    { identifier: 'owner', rights: 'lrswikxtea' },
    { identifier: 'user=b\u00e9', rights: 'lrs' },
    { identifier: '-group=guests', rights: 'i' },
    { identifier: 'nobody', rights: '' },
    { identifier: 'administrators', rights: 'lrswikxtea' },
  ]);
  expect(encodeAcl(entries).toString('latin1')).toBe(
    'owner aceilrstwx\nuser=b\u00c3\u00a9 lrs\n-group=guests i\nnobody \nadministrators aceilrstwx\n',
  );
});

test('whoever administers the server keeps all rights everywhere', () => {
  const list = decodeAcl('owner la\nadministrators l\n-administrators lrswikxtea\n');
  expect(computeRights(list, ['user=root', 'group=administrators'])).toBe('lrswikxtea');
});

test('all that a user falls under counts together, then the negative entries', () => {
  const list = decodeAcl(
    'owner la\nanyone l\nuser=bob rs\ngroup=sales i\n-user=bob s\n-anyone t\n',
  );
  expect(computeRights(list, ['user=bob', 'group=sales'])).toBe('lri');
  expect(computeRights(list, ['user=eve'])).toBe('l');
});

test.each([
  ['replace', 'lr', 'lr'],
  ['add', 'w', 'lrsw'],
  ['remove', 'rs', 'l'],
  ['add', 'cd', 'lrskxte'],
  ['replace', 'd', 'xte'],
] as const)('%s %s makes lrs %s', (change, rights, expected) => {
  const before = [...DEFAULT_ACL, { identifier: 'user=bob', rights: 'lrs' }];
  const after = changeAcl(before, 'user=bob', change, rights);
  expect(after.at(-1)).toEqual({ identifier: 'user=bob', rights: expected });
});

test('an entry without rights is none', () => {
  const before = [...DEFAULT_ACL, { identifier: 'user=bob', rights: 'lrs' }];
  expect(changeAcl(before, 'user=bob', 'replace', '')).toEqual(DEFAULT_ACL);
  expect(changeAcl(before, 'bob', 'remove', 'lrs')).toEqual(DEFAULT_ACL);
});

test.each([
  ['owner', 'replace', 'lr'],
  ['owner', 'replace', ''],
  ['owner', 'remove', 'a'],
  ['-owner', 'add', 'l'],
  ['-anyone', 'replace', 'a'],
  ['-anonymous', 'replace', 'l'],
  ['-ann', 'replace', 'l'],
] as const)('the owner is not locked out by %s %s %j', (identifier, change, rights) => {
  expect(() => changeAcl(DEFAULT_ACL, identifier, change, rights, 'user=ann')).toThrow(
    "The owner's rights l and a cannot be taken away",
  );
});

test("nothing takes the administrators' rights away", () => {
  const administrators = { identifier: 'administrators', rights: 'lrswikxtea' };
  expect(() => changeAcl(DEFAULT_ACL, '-anyone', 'replace', 'w')).toThrow('administrators');
  expect(changeAcl(DEFAULT_ACL, 'administrators', 'replace', 'l')).toContainEqual(administrators);
  expect(changeAcl(DEFAULT_ACL, 'administrators', 'add', 'p').length).toBe(2);
  expect(changeAcl(DEFAULT_ACL, '-administrators', 'replace', 'w')).toEqual(DEFAULT_ACL);
});

test.each([
  'bob lrs\nanyone lrswa',
  'bob\tx',
  'bob x',
  '',
  '-',
  '--bob',
  'bob\r',
  'a\u0000',
  'a\u00a0b',
  'a\u2028b',
  '\ud800',
  'x'.repeat(10_000),
])('no identifier is %j', (identifier) => {
  expect(() => changeAcl(DEFAULT_ACL, identifier, 'replace', 'l')).toThrow('Identifier');
});

test.each(['lrx\n', 'l r', 'L', 'lrz', '+rwa', 'l\u0000'])('no rights are %j', (rights) => {
  expect(() => changeAcl(DEFAULT_ACL, 'bob', 'replace', rights)).toThrow('Right');
});

test('whatever is accepted is one line, and is read back', () => {
  const texts = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' });
  fc.assert(
    fc.property(texts, fc.constantFrom('l', 'lrs', 'lrswipkxtea'), (identifier, rights) => {
      let list = DEFAULT_ACL;
      try {
        list = changeAcl(DEFAULT_ACL, identifier, 'replace', rights);
      } catch {
        return;
      }
      const text = encodeAcl(list).toString('latin1');
      expect(text.split('\n').length).toBe(list.length + 1);
      expect(decodeAcl(text)).toEqual(list);
    }),
    { numRuns: 300 },
  );
});

test('a folder has the list of the level above until that is changed, and then keeps what it had', async () => {
  maildir.makeFolder('.a');
  maildir.makeFolder('.a.b.c');
  const account = await maildir.open();
  const deep = account.locate('a/b/c');
  await account.setAcl(account.locate('a'), 'user=bob', 'replace', 'lr');
  expect(readFileSync(join(maildir.root, '.a/courierimapacl'), 'latin1')).toBe(
    'owner aceilrstwx\nadministrators aceilrstwx\nuser=bob lr\n',
  );
  expect(await account.acl(deep)).toEqual(DEFAULT_ACL);
  // A level that is no folder is a place, too.
  await account.setAcl(account.locate('a/b'), 'user=eve', 'add', 'l');
  expect(existsSync(join(maildir.root, 'courierimaphieracl/a.b'))).toBe(true);
  await account.create('a/b/d', []);
  expect((await account.acl(account.locate('a/b/d'))).map(({ identifier }) => identifier)).toEqual([
    'owner',
    'administrators',
    'user=bob',
    'user=eve',
  ]);
  await account.create('a/b', []);
  expect(existsSync(join(maildir.root, 'courierimaphieracl/a.b'))).toBe(false);
  expect(readFileSync(join(maildir.root, '.a.b/courierimapacl'), 'latin1')).toContain('user=eve l');
});

test("one's own list says what one may do; l and a stay", async () => {
  const dir = maildir.makeFolder('.a');
  const account = await maildir.open();
  const place = account.locate('a');
  expect(await account.rights(place)).toBe('lrswikxtea');
  writeFileSync(join(dir, 'courierimapacl'), 'owner r\n-user=ann w\n');
  expect(await account.rights(place)).toBe('lra');
  await expect(account.find('a', 'r')).resolves.toMatchObject({ name: 'a' });
  await expect(account.find('a', 'rw')).rejects.toMatchObject({ code: 'NOPERM' });
  await expect(account.remove('a')).rejects.toMatchObject({ code: 'NOPERM' });
  await expect(account.rename('a', 'b')).rejects.toMatchObject({ code: 'NOPERM' });
  await expect(account.create('a/b', [])).rejects.toMatchObject({ code: 'NOPERM' });
});

test('without access lists nobody can change them', async () => {
  const account = await maildir.open({ acl: false });
  expect(await account.rights(account.locate('INBOX'))).toBe('lrswikxte');
  const change = account.setAcl(account.locate('INBOX'), 'bob', 'add', 'l');
  await expect(change).rejects.toMatchObject({ code: 'NOPERM' });
  const { dir } = await account.create('a', []);
  expect(existsSync(join(dir, 'courierimapacl'))).toBe(false);
});

test('a list that cannot be believed opens nothing', async () => {
  const dir = maildir.makeFolder('.a');
  writeFileSync(join(dir, 'courierimapacl'), 'x'.repeat(100_000));
  const account = await maildir.open();
  await expect(account.find('a', 'r')).rejects.toMatchObject({ exitCode: 111 });
});
