import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeMaildir, TestHost } from './testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

const COURIER = { IMAP_NAMESPACE: 'courier' };
const OWNERS = 'owner lrswikxteacd administrators lrswikxteacd';

test('the owner has all rights, the old letters for some of them among these', async () => {
  const client = await host.client(makeMaildir());
  expect(await client.say('MYRIGHTS inbox')).toEqual([
    '* MYRIGHTS INBOX lrswikxteacd',
    'OK MYRIGHTS completed',
  ]);
  expect(await client.say('GETACL INBOX')).toEqual([
    `* ACL INBOX ${OWNERS}`,
    'OK GETACL completed',
  ]);
});

test('rights are set, added and taken, and stand in the file as Courier writes them', async () => {
  const root = makeMaildir(['Plans']);
  const client = await host.client(root, COURIER);
  const entries = async () => (await client.say('GETACL INBOX.Plans'))[0];
  await client.say('SETACL INBOX.Plans bob lrsc');
  expect(await entries()).toBe(`* ACL INBOX.Plans ${OWNERS} bob lrskc`);
  await client.say('SETACL INBOX.Plans bob +d');
  expect(await entries()).toBe(`* ACL INBOX.Plans ${OWNERS} bob lrskxtecd`);
  await client.say('SETACL INBOX.Plans bob -xk');
  await client.say('SETACL INBOX.Plans -dave w');
  expect(readFileSync(join(root, '.Plans', 'courierimapacl'), 'latin1')).toBe(
    'owner aceilrstwx\nadministrators aceilrstwx\nuser=bob elrst\n-user=dave w\n',
  );
  expect(await entries()).toBe(`* ACL INBOX.Plans ${OWNERS} bob lrsted -dave w`);
  await client.say('DELETEACL INBOX.Plans bob');
  expect(await entries()).toBe(`* ACL INBOX.Plans ${OWNERS} -dave w`);
});

test('LISTRIGHTS says what can be given, and what the owner keeps', async () => {
  const client = await host.client(makeMaildir());
  expect((await client.say('LISTRIGHTS INBOX bob'))[0]).toBe(
    '* LISTRIGHTS INBOX bob "" l r s w i p k x t e a c d',
  );
  expect((await client.say('LISTRIGHTS INBOX owner'))[0]).toBe(
    '* LISTRIGHTS INBOX owner la r s w i p k x t e c d',
  );
});

describe('an access list cannot be broken (J14)', () => {
  test.each([
    ['SETACL Plans bob lrz', 'BAD'],
    ['SETACL Plans bob {4}\r\nlrx\n', 'BAD'],
    ['SETACL Plans {8}\r\nbob\nx lr lr', 'BAD'],
    ['SETACL Plans "b\tob" lr', 'BAD'],
    ['SETACL Plans "b ob" lr', 'NO [CANNOT]'],
    ['SETACL Plans "" lr', 'BAD'],
    ['SETACL Plans - lr', 'NO [CANNOT]'],
    ['SETACL Plans --owner lr', 'NO [CANNOT]'],
    ['SETACL Plans owner lr', 'NO [CANNOT]'],
    ['SETACL Plans owner -a', 'NO [CANNOT]'],
    ['SETACL Plans -owner a', 'NO [CANNOT]'],
    ['SETACL Plans -anyone l', 'NO [CANNOT]'],
    ['DELETEACL Plans owner', 'NO [CANNOT]'],
    [`SETACL Plans ${'b'.repeat(256)} l`, 'BAD'],
    ['SETACL Nowhere bob l', 'NO [NONEXISTENT]'],
    ['GETACL Nowhere', 'NO [NONEXISTENT]'],
  ])('%j is %s', async (command, answer) => {
    const client = await host.client(makeMaildir(['Plans']));
    const lines = await client.say(command);
    expect(lines.at(-1)).toContain(answer);
    expect((await client.say('GETACL Plans'))[0]).toBe(`* ACL Plans ${OWNERS}`);
  });

  test('who is called like a class of users is another one', async () => {
    const client = await host.client(makeMaildir());
    await client.say('SETACL INBOX user=anyone lr');
    expect((await client.say('GETACL INBOX'))[0]).toBe(`* ACL INBOX ${OWNERS} user=anyone lr`);
  });

  test('rights are for whom they were given, and others do not see that there is anything', async () => {
    const root = makeMaildir(['Plans', 'Secret']);
    const owner = await host.client(root);
    await owner.say('SETACL Plans -user=alice w');
    expect((await owner.say('MYRIGHTS Plans'))[0]).toBe('* MYRIGHTS Plans lrsikxteacd');
  });
});

test('without access lists there are no such commands', async () => {
  const client = await host.client(makeMaildir(), { IMAP_ACL: '0' });
  for (const command of ['GETACL INBOX', 'MYRIGHTS INBOX', 'SETACL INBOX bob l'])
    expect((await client.say(command)).at(-1)).toMatch(/^BAD /);
  expect(await client.say('LIST "" INBOX RETURN (MYRIGHTS)')).toEqual([
    '* LIST (\\HasNoChildren) "/" INBOX',
    'OK LIST completed',
  ]);
});
