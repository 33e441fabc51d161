import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeMaildir, TestHost } from './testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

test('a Maildir with a quota is its own root', async () => {
  const root = makeMaildir(['Plans']);
  writeFileSync(join(root, 'maildirsize'), '10240000S,500C\n2049 3\n');
  const client = await host.client(root);
  const quota = '* QUOTA ROOT (STORAGE 3 10000 MESSAGE 3 500)';
  expect(await client.say('GETQUOTAROOT Plans')).toEqual([
    '* QUOTAROOT Plans ROOT',
    quota,
    'OK GETQUOTAROOT completed',
  ]);
  expect(await client.say('GETQUOTA ROOT')).toEqual([quota, 'OK GETQUOTA completed']);
  expect((await client.say('GETQUOTA ""')).at(-1)).toMatch(/^NO \[NONEXISTENT\]/);
  expect((await client.say('SETQUOTA ROOT (STORAGE 1)')).at(-1)).toMatch(/^NO \[NOPERM\]/);
});

test('without one there is no root', async () => {
  const client = await host.client(makeMaildir());
  expect(await client.say('GETQUOTAROOT INBOX')).toEqual([
    '* QUOTAROOT INBOX',
    'OK GETQUOTAROOT completed',
  ]);
  expect((await client.say('GETQUOTA ROOT')).at(-1)).toMatch(/^NO \[NONEXISTENT\]/);
});
