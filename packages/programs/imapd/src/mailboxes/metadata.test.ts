import { afterEach, describe, expect, test } from 'vitest';
import { makeMaildir, type TestClient, TestHost } from './testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

/** An account with annotations on INBOX. */
async function annotated(): Promise<TestClient> {
  const client = await host.client(makeMaildir(['Plans']));
  const set =
    'SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours" /shared/vendor/x/color "red" /shared/vendor/x/size/max "12345")';
  expect(await client.say(set)).toEqual(['OK SETMETADATA completed']);
  return client;
}

test('annotations are got as they were set, whatever the case of their names', async () => {
  const client = await annotated();
  expect(await client.say('GETMETADATA INBOX (/private/comment /SHARED/Comment)')).toEqual([
    '* METADATA INBOX (/private/comment "mine" /shared/comment "ours")',
    'OK GETMETADATA completed',
  ]);
});

test('one that is not there is NIL, and so is one that was removed', async () => {
  const client = await annotated();
  await client.say('SETMETADATA INBOX (/private/comment NIL)');
  expect((await client.say('GETMETADATA INBOX (/private/comment /private/x)'))[0]).toBe(
    '* METADATA INBOX (/private/comment NIL /private/x NIL)',
  );
});

test('DEPTH says how far below is looked', async () => {
  const client = await annotated();
  expect((await client.say('GETMETADATA (DEPTH 1) INBOX /shared/vendor/x'))[0]).toBe(
    '* METADATA INBOX (/shared/vendor/x/color "red")',
  );
  expect((await client.say('GETMETADATA (DEPTH infinity) INBOX /shared'))[0]).toBe(
    '* METADATA INBOX (/shared/comment "ours" /shared/vendor/x/color "red" /shared/vendor/x/size/max "12345")',
  );
  expect(await client.say('GETMETADATA (DEPTH 1) INBOX /shared/y')).toEqual([
    'OK GETMETADATA completed',
  ]);
});

test('values above MAXSIZE are left out, and the longest is told', async () => {
  const client = await annotated();
  expect(await client.say('GETMETADATA (MAXSIZE 3 DEPTH infinity) INBOX /shared')).toEqual([
    '* METADATA INBOX (/shared/vendor/x/color "red")',
    'OK [METADATA LONGENTRIES 5] GETMETADATA completed',
  ]);
});

test('a value may be any bytes', async () => {
  const client = await host.client(makeMaildir());
  await client.say('SETMETADATA INBOX (/private/a ~{3}\r\nx\0y)');
  expect(await client.say('GETMETADATA INBOX /private/a')).toEqual([
    '* METADATA INBOX (/private/a ~{3}',
    'x\0y)',
    'OK GETMETADATA completed',
  ]);
});

test('what a mailbox is for is an annotation, and LIST tells it', async () => {
  const client = await host.client(makeMaildir(['Drafts', 'Plans']));
  const answer = async (command: string) => (await client.say(command)).at(-1);
  expect((await client.say('GETMETADATA Drafts /private/specialuse'))[0]).toBe(
    '* METADATA Drafts (/private/specialuse "\\\\Drafts")',
  );
  expect(await answer('SETMETADATA Plans (/private/specialuse "\\\\Drafts")')).toMatch(/^OK/);
  expect(await client.say('LIST (SPECIAL-USE) "" *')).toEqual([
    '* LIST (\\HasNoChildren \\Drafts) "/" Plans',
    'OK LIST completed',
  ]);
  expect(await answer('SETMETADATA Drafts (/private/specialuse "\\\\Drafts")')).toMatch(
    /^NO \[USEATTR\]/,
  );
  expect(await answer('SETMETADATA Plans (/private/specialuse NIL)')).toMatch(/^OK/);
  expect((await client.say('GETMETADATA Plans /private/specialuse'))[0]).toBe(
    '* METADATA Plans (/private/specialuse NIL)',
  );
});

describe('refused is', () => {
  test.each([
    ['SETMETADATA "" (/shared/comment "x")', 'NO [NOPERM]'],
    ['SETMETADATA Nowhere (/private/comment "x")', 'NO [NONEXISTENT]'],
    ['GETMETADATA Nowhere /private/comment', 'NO [NONEXISTENT]'],
    ['SETMETADATA INBOX (/comment "x")', 'BAD'],
  ])('%s', async (command, answer) => {
    const client = await host.client(makeMaildir());
    expect((await client.say(command)).at(-1)).toContain(answer);
  });

  test('more than a mailbox may have', async () => {
    const client = await host.client(makeMaildir());
    const many = (from: number) =>
      Array.from({ length: 150 }, (_, i) => `/private/n${from + i} "x"`).join(' ');
    expect((await client.say(`SETMETADATA INBOX (${many(0)})`)).at(-1)).toMatch(/^OK/);
    expect((await client.say(`SETMETADATA INBOX (${many(150)})`)).at(-1)).toMatch(
      /^NO \[METADATA TOOMANY\]/,
    );
  });
});

test("the server's own annotations are there under the empty name", async () => {
  const client = await host.client(makeMaildir());
  expect((await client.say('SETMETADATA "" (/private/theme "dark")')).at(-1)).toMatch(/^OK/);
  expect((await client.say('GETMETADATA "" /private/theme'))[0]).toBe(
    '* METADATA "" (/private/theme "dark")',
  );
});
