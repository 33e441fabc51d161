import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { WATCHED_MAX } from '../limits.ts';
import { deliver, makeMaildir, type TestClient, TestHost } from '../testing/client.ts';

const host = new TestHost();
afterEach(() => host.end());

const ALL = '(MessageNew MessageExpunge FlagChange)';

async function answer(client: TestClient, command: string): Promise<string> {
  return (await client.say(command)).at(-1) ?? '';
}

/** Whether a line is a response of this kind. */
const is = (start: string) => (line: string) => line.startsWith(`* ${start}`);

describe('mailboxes that are not selected', () => {
  test('are told of by STATUS, at the beginning and when they change', async () => {
    const root = makeMaildir(['a', 'b']);
    deliver(join(root, '.a'));
    const [one, other] = [await host.client(root), await host.client(root)];
    const lines = await one.say(`NOTIFY SET STATUS (mailboxes (a nowhere) ${ALL})`);
    expect(lines.slice(0, -1)).toEqual([
      expect.stringMatching(
        /^\* STATUS a \(MESSAGES 1 UIDNEXT 2 UIDVALIDITY [0-9]+ UNSEEN 1 HIGHESTMODSEQ [0-9]+\)$/,
      ),
    ]);
    deliver(join(root, '.a'));
    expect((await one.until(is('STATUS'))).at(-1)).toBe(
      '* STATUS a (MESSAGES 2 UIDNEXT 3 UNSEEN 2)',
    );
    await other.say('SELECT a');
    await other.say('STORE 1 +FLAGS (\\Seen \\Deleted)');
    expect((await one.until(is('STATUS a (UNSEEN'))).at(-1)).toBe('* STATUS a (UNSEEN 1)');
    await other.say('EXPUNGE');
    expect((await one.until(is('STATUS a (MESSAGES'))).at(-1)).toBe(
      '* STATUS a (MESSAGES 1 UIDNEXT 3)',
    );
  });

  test('have mod-sequences for a client that knows them', async () => {
    const root = makeMaildir(['a']);
    const one = await host.client(root);
    await one.say('ENABLE CONDSTORE');
    await one.say(`NOTIFY SET (personal ${ALL})`);
    deliver(join(root, '.a'));
    const other = await host.client(root);
    await one.until(is('STATUS a (MESSAGES'));
    await other.say('SELECT a');
    await other.say('STORE 1 +FLAGS ($Label)');
    const [told] = (
      await one.until((line) => /^\* STATUS a .*UIDVALIDITY [0-9]+ HIGHESTMODSEQ/.test(line))
    ).slice(-1);
    expect(told).toMatch(/^\* STATUS a \(/);
  });
});

describe('the selected mailbox', () => {
  test('is told of at once, with what is wanted of new messages', async () => {
    const root = makeMaildir();
    deliver(root, 'Subject: old\n\n1\n');
    const [one, other] = [await host.client(root), await host.client(root)];
    await one.say(
      'NOTIFY SET (selected (MessageNew (UID BODY.PEEK[TEXT]) MessageExpunge FlagChange))',
    );
    await one.say('SELECT INBOX');
    deliver(root, 'Subject: new\n\nbody of the new one\n');
    expect(await one.until((line) => line === ')')).toEqual([
      '* 2 EXISTS',
      expect.stringMatching(/^\* [0-9]+ RECENT$/),
      '* 2 FETCH (UID 2 BODY[TEXT] {21}',
      'body of the new one',
      ')',
    ]);
    await other.say('SELECT INBOX');
    await other.say('STORE 1 +FLAGS (\\Flagged \\Deleted)');
    expect((await one.until(is('1 FETCH'))).at(-1)).toMatch(/UID 1.*FLAGS \(.*\\Flagged/);
    await other.say('EXPUNGE');
    expect((await one.until(is('1 EXPUNGE'))).length).toBe(1);
  });

  test('keeps its message numbers until a command, when that is wanted', async () => {
    const root = makeMaildir();
    deliver(root);
    deliver(root);
    const [one, other] = [await host.client(root), await host.client(root)];
    await one.say('SELECT INBOX');
    await one.say('NOTIFY SET (selected-delayed (MessageNew MessageExpunge))');
    await other.say('SELECT INBOX');
    await other.say('STORE 1 +FLAGS.SILENT (\\Deleted)');
    await other.say('EXPUNGE');
    deliver(root);
    expect(await one.until(is('3 EXISTS'))).not.toContain('* 1 EXPUNGE');
    expect(await one.say('NOOP')).toContain('* 1 EXPUNGE');
  });

  test('is not told of by STATUS too, and is again when it is left', async () => {
    const root = makeMaildir(['a']);
    const one = await host.client(root);
    await one.say(`NOTIFY SET (selected ${ALL}) (personal ${ALL})`);
    await one.say('SELECT a');
    deliver(join(root, '.a'));
    expect(await one.until(is('1 EXISTS'))).toEqual(['* 1 EXISTS']);
    await one.say('UNSELECT');
    deliver(join(root, '.a'));
    await one.until(is('STATUS a (MESSAGES 2 '));
  });
});

describe('names and subscriptions', () => {
  const NAMES = 'NOTIFY SET (personal (MailboxName SubscriptionChange))';

  test('are told of, whoever changes them', async () => {
    const root = makeMaildir(['a']);
    const [one, other] = [await host.client(root), await host.client(root)];
    await one.say(NAMES);
    await other.say('CREATE b');
    expect((await one.until(is('LIST'))).at(-1)).toBe('* LIST (\\HasNoChildren) "/" b');
    await other.say('SUBSCRIBE b');
    expect((await one.until(is('LIST'))).at(-1)).toBe(
      '* LIST (\\Subscribed \\HasNoChildren) "/" b',
    );
    await other.say('UNSUBSCRIBE b');
    expect((await one.until(is('LIST'))).at(-1)).toBe('* LIST (\\HasNoChildren) "/" b');
    await other.say('RENAME b c');
    expect((await one.until(is('LIST'))).at(-1)).toBe(
      '* LIST (\\HasNoChildren) "/" c ("OLDNAME" (b))',
    );
    rmSync(join(root, '.a'), { recursive: true });
    expect((await one.until(is('LIST'))).at(-1)).toBe(
      '* LIST (\\NonExistent \\HasNoChildren) "/" a',
    );
    // A level below tells of the one above, too.
    await other.say('CREATE c/d');
    expect((await one.until(is('LIST (\\HasChildren)'))).at(-1)).toBe(
      '* LIST (\\HasChildren) "/" c',
    );
  });

  test('changed by the client itself are no news', async () => {
    const root = makeMaildir();
    const [one, other] = [await host.client(root), await host.client(root)];
    await one.say(NAMES);
    await one.say('CREATE mine');
    await other.say('CREATE theirs');
    const lines = await one.until((line) => line.endsWith(' theirs'));
    expect(lines.filter((line) => line.endsWith(' mine'))).toEqual([]);
  });

  test('bring mailboxes to be watched', async () => {
    const root = makeMaildir();
    const one = await host.client(root);
    await one.say(`NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))`);
    for (const part of ['cur', 'new', 'tmp'])
      mkdirSync(join(root, '.later', part), { recursive: true });
    await one.until((line) => line.endsWith(' later'));
    // What comes before the watch is in its first look.
    await answer(one, 'NOOP');
    deliver(join(root, '.later'));
    expect((await one.until(is('STATUS'))).at(-1)).toBe('* STATUS later (MESSAGES 1 UIDNEXT 2)');
  });
});

test('annotations that others change are told by name', async () => {
  const root = makeMaildir();
  const [one, other] = [await host.client(root), await host.client(root)];
  await one.say('NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))');
  await one.say('SETMETADATA INBOX (/private/own "x")');
  await other.say('SETMETADATA INBOX (/shared/comment "x")');
  expect((await one.until(is('METADATA INBOX'))).at(-1)).toContain('/shared/comment');
  await other.say('SETMETADATA "" (/private/theme "x")');
  expect((await one.until(is('METADATA ""'))).at(-1)).toBe('* METADATA "" /private/theme');
});

test('NONE ends it', async () => {
  const root = makeMaildir(['a', 'b']);
  const one = await host.client(root);
  await one.say(`NOTIFY SET (mailboxes a ${ALL})`);
  expect(await answer(one, 'NOTIFY NONE')).toMatch(/^OK/);
  await one.say(`NOTIFY SET (mailboxes b ${ALL})`);
  deliver(join(root, '.a'));
  deliver(join(root, '.b'));
  expect(await one.until(is('STATUS b'))).toEqual([expect.stringMatching(/^\* STATUS b /)]);
});

describe('refused is', () => {
  test.each([
    ['NOTIFY SET (personal (Sunrise))', 'NO [BADEVENT (MessageNew MessageExpunge FlagChange Mail'],
    ['NOTIFY SET (personal (AnnotationChange))', 'NO [BADEVENT ('],
    ['NOTIFY SET (personal (FlagChange))', 'BAD'],
    ['NOTIFY SET (personal (MessageNew))', 'BAD'],
    ['NOTIFY SET (selected (MailboxName))', 'BAD'],
    ['NOTIFY SET (selected NONE) (selected-delayed NONE)', 'BAD'],
  ])('%s', async (command, said) => {
    expect(await answer(await host.client(makeMaildir()), command)).toContain(said);
  });

  test('more than can be watched, and what was watched before stays so', async () => {
    const folders = Array.from({ length: WATCHED_MAX + 1 }, (_, i) => `f${i}`);
    const root = makeMaildir(folders);
    const client = await host.client(root);
    await client.say(`NOTIFY SET (mailboxes f1 ${ALL})`);
    expect(await answer(client, `NOTIFY SET (personal ${ALL})`)).toMatch(
      /^NO \[NOTIFICATIONOVERFLOW\]/,
    );
    deliver(join(root, '.f1'));
    expect(await client.until(is('STATUS'))).toEqual([expect.stringContaining('STATUS f1 ')]);
  });
});
