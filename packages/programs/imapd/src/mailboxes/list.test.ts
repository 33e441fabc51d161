import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeMaildir, type TestClient, TestHost } from './testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

const COURIER = { IMAP_NAMESPACE: 'courier' };
const TREE = ['Arch.2026', 'Sent', 'Lone.Deep.er'];
const SUBSCRIBED = 'INBOX.Sent\nINBOX.Gone\nINBOX.Arch.2026\nINBOX.Nope.x\n';

function tree(): string {
  const root = makeMaildir(TREE);
  writeFileSync(join(root, 'courierimapsubscribed'), SUBSCRIBED);
  return root;
}

const modern = (): Promise<TestClient> => host.client(tree());
const courier = (): Promise<TestClient> => host.client(tree(), COURIER);

/** The LIST lines of an answer that is OK, without "* ". */
async function list(client: TestClient, command: string): Promise<string[]> {
  const lines = await client.say(command);
  expect(lines.pop()).toMatch(/^OK /);
  return lines.map((line) => line.replace(/^\* /, ''));
}

describe('LIST', () => {
  test('gives all folders and the levels above them', async () => {
    expect(await list(await modern(), 'LIST "" *')).toEqual([
      'LIST (\\HasNoChildren) "/" INBOX',
      'LIST (\\Noselect \\HasChildren) "/" Arch',
      'LIST (\\HasNoChildren) "/" Arch/2026',
      'LIST (\\Noselect \\HasChildren) "/" Lone',
      'LIST (\\Noselect \\HasChildren) "/" Lone/Deep',
      'LIST (\\HasNoChildren) "/" Lone/Deep/er',
      'LIST (\\HasNoChildren \\Sent) "/" Sent',
    ]);
  });

  test('gives one level for %', async () => {
    expect(await list(await modern(), 'LIST "" %')).toEqual([
      'LIST (\\HasNoChildren) "/" INBOX',
      'LIST (\\Noselect \\HasChildren) "/" Arch',
      'LIST (\\Noselect \\HasChildren) "/" Lone',
      'LIST (\\HasNoChildren \\Sent) "/" Sent',
    ]);
  });

  test('puts the reference before the pattern', async () => {
    const client = await modern();
    expect(await list(client, 'LIST Lone/ %')).toEqual([
      'LIST (\\Noselect \\HasChildren) "/" Lone/Deep',
    ]);
    expect(await list(client, 'LIST Lone/ %/e*')).toEqual([
      'LIST (\\HasNoChildren) "/" Lone/Deep/er',
    ]);
  });

  test.each(['INBOX', 'inbox', 'InBo%', 'i*'])('finds INBOX by %s', async (pattern) => {
    expect(await list(await modern(), `LIST "" ${pattern}`)).toEqual([
      'LIST (\\HasNoChildren) "/" INBOX',
    ]);
  });

  test('finds folders below INBOX whatever the case of INBOX, but not of them', async () => {
    const client = await courier();
    expect(await list(client, 'LIST "" inbox.S*')).toEqual([
      'LIST (\\HasNoChildren \\Sent) "." INBOX.Sent',
    ]);
    expect(await list(client, 'LIST "" INBOX.s*')).toEqual([]);
  });

  test('tells the separator for an empty pattern, and the root of the reference', async () => {
    expect(await list(await modern(), 'LIST "" ""')).toEqual(['LIST (\\Noselect) "/" ""']);
    const client = await courier();
    expect(await list(client, 'LIST "" ""')).toEqual(['LIST (\\Noselect) "." ""']);
    expect(await list(client, 'LIST INBOX.x ""')).toEqual(['LIST (\\Noselect) "." INBOX.']);
  });

  test('compares names, not their letters on the wire', async () => {
    const root = makeMaildir();
    mkdirSync(join(root, '.T\u00e9st', 'cur'), { recursive: true });
    const client = await host.client(root);
    const line = 'LIST (\\HasNoChildren) "/" T&AOk-st';
    expect(await list(client, 'LIST "" T&AOk-*')).toEqual([line]);
    // The other form of the same letter, and what is no name at all.
    expect(await list(client, 'LIST "" Te&AwE-st')).toEqual([line]);
    expect(await list(client, 'LIST "" "T&Jjo!*"')).toEqual([]);
    await client.say('ENABLE UTF8=ACCEPT');
    expect(await list(client, 'LIST "" "T\xc3\xa9%"')).toEqual([
      'LIST (\\HasNoChildren) "/" "T\xc3\xa9st"',
    ]);
  });

  test('is not slow for patterns that are made to be (J5)', async () => {
    const client = await host.client(makeMaildir([`${'a'.repeat(200)}`]));
    for (const pattern of [`${'*a'.repeat(30)}zz`, `${'*%'.repeat(400)}x`])
      expect(await list(client, `LIST "" ${pattern}`)).toEqual([]);
    expect((await client.say(`LIST "" ${'*%'.repeat(2000)}x`)).at(-1)).toMatch(/^BAD /);
    expect((await client.say(`LIST ${'a'.repeat(800)} ${'*a'.repeat(400)}`)).at(-1)).toMatch(
      /^NO \[LIMIT\]/,
    );
  });
});

describe('LIST in its extended form', () => {
  test('gives subscribed names, and whether they exist', async () => {
    expect(await list(await modern(), 'LIST (SUBSCRIBED) "" *')).toEqual([
      'LIST (\\Subscribed \\HasNoChildren) "/" Arch/2026',
      'LIST (\\Subscribed \\HasNoChildren \\Sent) "/" Sent',
      'LIST (\\Subscribed \\NonExistent \\HasNoChildren) "/" Gone',
      'LIST (\\Subscribed \\NonExistent \\HasNoChildren) "/" Nope/x',
    ]);
  });

  test('tells by CHILDINFO what is below the levels that match', async () => {
    const client = await modern();
    expect(await list(client, 'LIST (SUBSCRIBED) "" %')).toEqual([
      'LIST (\\Subscribed \\HasNoChildren \\Sent) "/" Sent',
      'LIST (\\Subscribed \\NonExistent \\HasNoChildren) "/" Gone',
    ]);
    expect(await list(client, 'LIST (RECURSIVEMATCH SUBSCRIBED) "" %')).toEqual([
      'LIST (\\NonExistent \\HasChildren) "/" Arch ("CHILDINFO" ("SUBSCRIBED"))',
      'LIST (\\Subscribed \\HasNoChildren \\Sent) "/" Sent',
      'LIST (\\Subscribed \\NonExistent \\HasNoChildren) "/" Gone',
      'LIST (\\NonExistent \\HasNoChildren) "/" Nope ("CHILDINFO" ("SUBSCRIBED"))',
    ]);
  });

  test('gives those with a special use', async () => {
    expect(await list(await modern(), 'LIST (SPECIAL-USE) "" *')).toEqual([
      'LIST (\\HasNoChildren \\Sent) "/" Sent',
    ]);
  });

  test('gives levels that are no mailboxes only for what they hide', async () => {
    const client = await modern();
    expect(await list(client, 'LIST "" % RETURN (CHILDREN)')).toContain(
      'LIST (\\NonExistent \\HasChildren) "/" Lone',
    );
    expect(await list(client, 'LIST "" * RETURN (CHILDREN)')).toEqual([
      'LIST (\\HasNoChildren) "/" INBOX',
      'LIST (\\HasNoChildren) "/" Arch/2026',
      'LIST (\\HasNoChildren) "/" Lone/Deep/er',
      'LIST (\\HasNoChildren \\Sent) "/" Sent',
    ]);
  });

  test('takes several patterns, and names each folder once', async () => {
    expect(await list(await modern(), 'LIST "" (INBOX Sent S*)')).toEqual([
      'LIST (\\HasNoChildren) "/" INBOX',
      'LIST (\\HasNoChildren \\Sent) "/" Sent',
    ]);
  });

  test('returns subscriptions and rights where asked for', async () => {
    expect(await list(await modern(), 'LIST "" (INBOX Sent) RETURN (SUBSCRIBED MYRIGHTS)')).toEqual(
      [
        'LIST (\\HasNoChildren) "/" INBOX',
        'MYRIGHTS INBOX lrswikxteacd',
        'LIST (\\Subscribed \\HasNoChildren \\Sent) "/" Sent',
        'MYRIGHTS Sent lrswikxteacd',
      ],
    );
  });
});

describe('LSUB', () => {
  test('gives subscribed names and, for what a pattern hides, the levels above', async () => {
    const client = await courier();
    const all = await list(client, 'LSUB "" *');
    expect(all.sort()).toEqual([
      'LSUB (\\HasNoChildren) "." INBOX.Arch.2026',
      'LSUB (\\HasNoChildren) "." INBOX.Gone',
      'LSUB (\\HasNoChildren) "." INBOX.Nope.x',
      'LSUB (\\HasNoChildren) "." INBOX.Sent',
    ]);
    expect((await list(client, 'LSUB INBOX. %')).sort()).toEqual([
      'LSUB (\\HasNoChildren) "." INBOX.Gone',
      'LSUB (\\HasNoChildren) "." INBOX.Sent',
      'LSUB (\\Noselect \\HasChildren) "." INBOX.Arch',
      'LSUB (\\Noselect \\HasChildren) "." INBOX.Nope',
    ]);
  });
});

test('NAMESPACE says what names begin with', async () => {
  expect(await list(await modern(), 'NAMESPACE')).toEqual(['NAMESPACE (("" "/")) NIL NIL']);
  expect(await list(await courier(), 'NAMESPACE')).toEqual(['NAMESPACE (("INBOX." ".")) NIL NIL']);
});
