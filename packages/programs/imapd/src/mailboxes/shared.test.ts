import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeMaildir, type TestClient, TestHost } from './testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

/** A client of a Maildir beside which bob gives alice his Plans. */
async function clientBesideBob(): Promise<TestClient> {
  const root = makeMaildir(['Sent']);
  const others = makeMaildir(['Plans', 'Secret']);
  writeFileSync(join(others, '.Plans/courierimapacl'), 'owner aceilrstwx\nuser=alice lr\n');
  const index = join(dirname(root), 'index');
  writeFileSync(index, `bob\t1000\t1000\t${dirname(others)}\n`);
  return await host.client(root, { IMAP_SHAREDINDEXFILE: index });
}

test('folders of others are told to who asks for their namespace, or subscribed to one', async () => {
  const client = await clientBesideBob();
  expect(await client.say('NAMESPACE')).toEqual([
    '* NAMESPACE (("" "/")) NIL (("#shared/" "/"))',
    expect.stringMatching(/^OK /),
  ]);
  const own = ['* LIST (\\HasNoChildren) "/" INBOX', '* LIST (\\HasNoChildren \\Sent) "/" Sent'];
  const done = expect.stringMatching(/^OK /);
  expect(await client.say('LIST "" *')).toEqual([...own, done]);
  const shared = [
    '* LIST (\\Noselect \\HasChildren) "/" #shared/bob',
    '* LIST (\\HasNoChildren) "/" #shared/bob/Plans',
  ];
  expect(await client.say('LIST "" "#shared/*"')).toEqual([...shared, done]);
  expect(await client.say('LIST "#sha" "*"')).toEqual([...shared, done]);
  expect(await client.say('LIST (SUBSCRIBED) "" *')).toEqual([done]);
  await client.say('SUBSCRIBE "#shared/bob/Plans"');
  expect(await client.say('LIST (SUBSCRIBED) "" *')).toEqual([
    '* LIST (\\Subscribed \\HasNoChildren) "/" #shared/bob/Plans',
    done,
  ]);
});

test('what others did not give is not there', async () => {
  const client = await clientBesideBob();
  for (const name of ['#shared/bob', '#shared/bob/Secret', '#shared/bob/none', '#shared/eve'])
    expect(await client.say(`STATUS "${name}" (MESSAGES)`)).toEqual([
      expect.stringMatching(/^NO \[NONEXISTENT\]/),
    ]);
  expect(await client.say('STATUS "#shared/bob/Plans" (MESSAGES)')).toEqual([
    '* STATUS #shared/bob/Plans (MESSAGES 0)',
    expect.stringMatching(/^OK /),
  ]);
});
