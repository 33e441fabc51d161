import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { deliver, makeMaildir, TestHost } from './testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

const TEXT = 'Subject: x\n\nline\r\nline\n';
/** As sent: three LFs become CRLF. */
const SIZE = TEXT.length + 3;

describe('STATUS', () => {
  test('counts what waits in new/ and leaves it there', async () => {
    const root = makeMaildir();
    for (let i = 0; i < 3; i++) deliver(root, TEXT);
    const client = await host.client(root);
    const lines = await client.say('STATUS INBOX (MESSAGES RECENT UIDNEXT UNSEEN SIZE DELETED)');
    expect(lines[0]).toBe(
      `* STATUS INBOX (MESSAGES 3 RECENT 3 UIDNEXT 4 UNSEEN 3 SIZE ${3 * SIZE} DELETED 0)`,
    );
    expect(readdirSync(join(root, 'new'))).toHaveLength(3);
  });

  test('knows the selected mailbox, and other mailboxes, the same', async () => {
    const root = makeMaildir();
    for (let i = 0; i < 4; i++) deliver(root, TEXT);
    const client = await host.client(root, { IMAP_APPENDLIMIT: '12345' });
    await client.say('SELECT INBOX');
    await client.say('STORE 1:2 +FLAGS.SILENT (\\Seen \\Deleted)');
    const items =
      'MESSAGES UNSEEN DELETED DELETED-STORAGE SIZE APPENDLIMIT UIDVALIDITY HIGHESTMODSEQ';
    // The first is told what mod-sequences begin with: RFC 7162, section 3.1.
    const [highest, status = ''] = await client.say(`STATUS INBOX (${items})`);
    expect(highest).toMatch(/^\* OK \[HIGHESTMODSEQ [0-9]+\] /);
    expect(status).toMatch(
      new RegExp(
        `^\\* STATUS INBOX \\(MESSAGES 4 UNSEEN 2 DELETED 2 DELETED-STORAGE 1 SIZE ${4 * SIZE} APPENDLIMIT 12345 UIDVALIDITY [0-9]+ HIGHESTMODSEQ [0-9]+\\)$`,
      ),
    );
    const other = await host.client(root);
    expect((await other.say(`STATUS inbox (${items})`))[0]).toBe(
      status.replace('12345', '134217728'),
    );
  });

  test('is refused for what is not there', async () => {
    const client = await host.client(makeMaildir(['a.b']));
    expect((await client.say('STATUS a (MESSAGES)')).at(-1)).toMatch(/^NO \[NONEXISTENT\]/);
    expect((await client.say('STATUS INBOX (MESSAGES NONSENSE)')).at(-1)).toMatch(/^BAD/);
  });
});

test('LIST returns STATUS of each mailbox, and goes on where there is none', async () => {
  const root = makeMaildir(['a.b', 'c']);
  deliver(join(root, '.c'), TEXT);
  const client = await host.client(root);
  expect(await client.say('LIST "" % RETURN (STATUS (MESSAGES SIZE) CHILDREN)')).toEqual([
    '* LIST (\\HasNoChildren) "/" INBOX',
    '* STATUS INBOX (MESSAGES 0 SIZE 0)',
    '* LIST (\\NonExistent \\HasChildren) "/" a',
    '* LIST (\\HasNoChildren) "/" c',
    `* STATUS c (MESSAGES 1 SIZE ${SIZE})`,
    'OK LIST completed',
  ]);
});
