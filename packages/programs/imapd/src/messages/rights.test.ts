// Access lists that are changed while a mailbox is selected.

import { readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { deliver, makeMaildir, type TestClient, TestHost } from '../mailboxes/testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

const last = async (client: TestClient, command: string) => (await client.say(command)).at(-1);
const NOPERM = /^NO \[NOPERM\]/;

/** alice has selected the folder that bob gives her with these rights; three messages are there. */
async function guest(rights: string) {
  const root = makeMaildir();
  const others = makeMaildir(['Plans']);
  const dir = join(others, '.Plans');
  const list = join(dir, 'courierimapacl');
  /** As another program writes it. */
  const give = (letters: string) => {
    writeFileSync(list, `owner aceilrstwx\nuser=alice ${letters}\n`);
  };
  give(rights);
  for (let n = 0; n < 3; n++) deliver(dir);
  const index = join(dirname(root), 'index');
  writeFileSync(index, `bob\t1000\t1000\t${dirname(others)}\n`);
  const client = await host.client(root, { IMAP_SHAREDINDEXFILE: index });
  expect(await last(client, 'SELECT "#shared/bob/Plans"')).toMatch(/^OK \[READ-WRITE\]/);
  return { client, give, list, files: () => readdirSync(join(dir, 'cur')).sort() };
}

test('a right that is taken away is gone at the next command that needs it', async () => {
  const { client, give, files } = await guest('lrswite');
  expect(await last(client, 'STORE 1:2 +FLAGS (\\Deleted)')).toMatch(/^OK /);
  const before = files();
  const commands = {
    'STORE 3 +FLAGS (\\Flagged)': 'lrite',
    EXPUNGE: 'lrswit',
    'UID EXPUNGE 1:*': 'lrswit',
    'MOVE 3 INBOX': 'lrswit',
    'MOVE 2 INBOX': 'lrswie',
    'COPY 3 INBOX': 'lswite',
    'APPEND "#shared/bob/Plans" {5+}\r\na: b\n': 'lrswte',
    'REPLACE 3 "#shared/bob/Plans" {5+}\r\na: b\n': 'lrswi',
    'STORE 2 -FLAGS (\\Deleted)': '',
  };
  for (const [command, rights] of Object.entries(commands)) {
    give(rights);
    expect(await last(client, command), command).toMatch(NOPERM);
  }
  // It reads what it is told to, and marks nothing.
  give('lr');
  expect(await last(client, 'FETCH 3 BODY[]')).toMatch(/^OK /);
  // CLOSE removes what it may, which is nothing, and says nothing of it.
  expect(await last(client, 'CLOSE')).toMatch(/^OK /);
  expect(files()).toEqual(before);
});

test('a right that is given counts at once', async () => {
  const { client, give, files } = await guest('lri');
  expect(await last(client, 'STORE 1 +FLAGS (\\Deleted)')).toMatch(NOPERM);
  await client.say('FETCH 2 BODY[]');
  expect(files().filter((name) => name.endsWith('S'))).toHaveLength(0);
  give('lrist');
  expect(await last(client, 'STORE 1 +FLAGS (\\Deleted)')).toMatch(/^OK /);
  await client.say('FETCH 2 BODY[]');
  expect(files().map((name) => name.replace(/.*:2,/, ''))).toEqual(['T', 'S', '']);
  expect(await last(client, 'EXPUNGE')).toMatch(NOPERM);
  give('lriste');
  expect(await client.say('EXPUNGE')).toContain('* 1 EXPUNGE');
});

test('without its list the folder has that of the level above, which gives a guest nothing', async () => {
  const { client, list } = await guest('lrswite');
  unlinkSync(list);
  expect(await last(client, 'STORE 1 +FLAGS (\\Flagged)')).toMatch(NOPERM);
});

test('SETACL of another session of the process counts for one that has the mailbox selected', async () => {
  const root = makeMaildir();
  deliver(root);
  const [one, other] = [await host.client(root), await host.client(root)];
  await one.say('SELECT INBOX');
  expect(await last(other, 'SETACL INBOX owner lrita')).toMatch(/^OK /);
  expect(await last(one, 'STORE 1 +FLAGS (\\Flagged)')).toMatch(NOPERM);
  expect(await last(one, 'STORE 1 +FLAGS (\\Deleted)')).toMatch(/^OK /);
  expect(await last(one, 'EXPUNGE')).toMatch(NOPERM);
  expect(await last(other, 'SETACL INBOX owner +e')).toMatch(/^OK /);
  expect(await one.say('EXPUNGE')).toContain('* 1 EXPUNGE');
});
