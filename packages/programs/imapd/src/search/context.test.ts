import { FLAG } from '@q/mailbox';
import { expect, test } from 'vitest';
import { TestClient } from './testing/client.ts';
import { type HeldMessage, TestMailbox } from './testing/mailbox.ts';

async function client(): Promise<TestClient & { at(number: number): HeldMessage }> {
  const mailbox = new TestMailbox();
  for (const subject of ['one', 'two', 'three', 'four'])
    await mailbox.add({
      text: `Subject: ${subject}\n\nbody\n`,
      flags: subject === 'two' ? FLAG.flagged : 0,
    });
  const made = new TestClient(mailbox);
  return Object.assign(made, {
    at: (number: number) => mailbox.messages[number - 1] as HeldMessage,
  });
}

test('a result that is kept up to date hears of flags, of new messages, and of those that go', async () => {
  const c = await client();
  expect(await c.say('SEARCH RETURN (UPDATE COUNT) FLAGGED', 'u1')).toEqual([
    '* ESEARCH (TAG "u1") COUNT 1',
    'u1 OK SEARCH completed',
  ]);
  c.mailbox.change(c.at(2), { flags: 0 });
  c.mailbox.change(c.at(3), { flags: FLAG.flagged | FLAG.seen });
  c.mailbox.change(c.at(4), { flags: FLAG.seen });
  expect((await c.look()).at(-1)).toBe('* ESEARCH (TAG "u1") REMOVEFROM (0 2) ADDTO (0 3)');
  await c.mailbox.add({ text: 'Subject: new\n\n', flags: FLAG.flagged });
  await c.mailbox.add({ text: 'Subject: newer\n\n', flags: FLAG.flagged });
  expect(await c.look()).toEqual([
    '* 6 EXISTS',
    '* 0 RECENT',
    '* ESEARCH (TAG "u1") ADDTO (0 5:6)',
  ]);
  c.mailbox.change(c.at(1), { gone: true });
  c.mailbox.change(c.at(2), { gone: true });
  expect(await c.look()).toEqual([
    '* ESEARCH (TAG "u1") REMOVEFROM (0 3)',
    '* 3 EXPUNGE',
    '* 1 EXPUNGE',
  ]);
  expect(await c.look()).toEqual([]);
});

test('what the client changed itself, and was told of by STORE, is a change of the result', async () => {
  const c = await client();
  await c.say('SEARCH RETURN (UPDATE) FLAGGED', 'u1');
  c.mailbox.change(c.at(1), { flags: FLAG.flagged });
  c.view.noteTold(c.at(1));
  expect(await c.look()).toEqual(['* ESEARCH (TAG "u1") ADDTO (0 1)']);
});

test('UID SEARCH hears of UIDs, and a search without UPDATE of nothing', async () => {
  const c = await client();
  await c.say('UID SEARCH RETURN (UPDATE) SEEN', 'u1');
  await c.say('UID SEARCH RETURN (ALL CONTEXT) SEEN', 'u2');
  c.mailbox.change(c.at(1), { gone: true });
  await c.look();
  c.mailbox.change(c.at(1), { flags: FLAG.seen });
  expect((await c.look()).filter((line) => line.includes('ESEARCH'))).toEqual([
    '* ESEARCH (TAG "u1") UID ADDTO (0 2)',
  ]);
});

test('what is already known when the search is answered is not told again', async () => {
  const c = await client();
  c.mailbox.change(c.at(1), { flags: FLAG.flagged });
  const lines = await c.say('SEARCH RETURN (UPDATE ALL) FLAGGED');
  expect(lines[0]).toBe('* ESEARCH (TAG "a") ALL 1:2');
  expect(lines.filter((line) => line.includes('ADDTO'))).toEqual([]);
});

test('messages that must be read for it are read when the session has time', async () => {
  const c = await client();
  await c.say('SEARCH RETURN (UPDATE) OR SUBJECT two SUBJECT new', 'u1');
  await c.mailbox.add({ text: 'Subject: news\n\n' });
  await c.mailbox.add({ text: 'Subject: other\n\n' });
  expect((await c.look()).at(-1)).toBe('* ESEARCH (TAG "u1") ADDTO (0 5)');
  // A message that comes and goes before it was read was never there.
  await c.mailbox.add({ text: 'Subject: newer\n\n' });
  c.view.sync(c.session, false);
  c.mailbox.change(c.at(7), { gone: true });
  expect((await c.look()).join()).not.toContain('ADDTO');
});

test('changes of many messages are told when others have had their turn', async () => {
  const c = await client();
  await c.say('SEARCH RETURN (UPDATE) UNSEEN', 'u1');
  for (let count = 0; count < 600; count++) await c.mailbox.add({ text: 'Subject: new\n\n' });
  const before = c.drained;
  expect((await c.look()).at(-1)).toBe('* ESEARCH (TAG "u1") ADDTO (0 5:604)');
  expect(c.drained).toBeGreaterThan(before);
});

test('message numbers in the search mean the messages they meant then', async () => {
  const c = await client();
  await c.say('SEARCH RETURN (UPDATE) 2:* SEEN', 'u1');
  c.mailbox.change(c.at(1), { gone: true });
  await c.look();
  await c.mailbox.add({ text: 'Subject: new\n\n', flags: FLAG.seen });
  c.mailbox.change(c.at(1), { flags: FLAG.seen });
  expect((await c.look()).at(-1)).toBe('* ESEARCH (TAG "u1") ADDTO (0 1)');
});

test('a tag that is in use for updates is refused and changes nothing', async () => {
  const c = await client();
  await c.say('SEARCH RETURN (UPDATE) FLAGGED', 'u1');
  expect(await c.say('SEARCH RETURN (UPDATE) SEEN', 'u1')).toEqual([
    'u1 BAD Tag is in use for updates',
  ]);
  expect(await c.say('SORT RETURN (UPDATE) (DATE) UTF-8 SEEN', 'u1')).toEqual([
    'u1 BAD Tag is in use for updates',
  ]);
  expect((await c.say('SEARCH FLAGGED', 'u1'))[0]).toBe('* SEARCH 2');
});

test('CANCELUPDATE ends it, also for tags that were never in use', async () => {
  const c = await client();
  await c.say('SEARCH RETURN (UPDATE) FLAGGED', 'u1');
  await c.say('SEARCH RETURN (UPDATE) FLAGGED', 'u2');
  expect(await c.say('CANCELUPDATE "u1" "u3"')).toEqual(['a OK No further updates']);
  c.mailbox.change(c.at(1), { flags: FLAG.flagged });
  expect((await c.look()).filter((line) => line.includes('ESEARCH'))).toEqual([
    '* ESEARCH (TAG "u2") ADDTO (0 1)',
  ]);
});

test('updates are refused, and the search answered, when there are too many or they cannot be done', async () => {
  const c = await client();
  for (let number = 1; number <= 8; number++)
    await c.say('SEARCH RETURN (UPDATE) SEEN', `u${number}`);
  expect(await c.say('SEARCH RETURN (UPDATE COUNT) FLAGGED', 'u9')).toEqual([
    '* ESEARCH (TAG "u9") COUNT 1',
    '* NO [NOUPDATE "u9"] Result is not kept up to date',
    'u9 OK SEARCH completed',
  ]);
  await c.say('CANCELUPDATE "u1"');
  expect(await c.say('SEARCH RETURN (UPDATE COUNT) FLAGGED', 'u9')).toHaveLength(2);
  await c.say('CANCELUPDATE "u2"');
  for (const command of [
    'SEARCH RETURN (UPDATE COUNT) YOUNGER 9',
    'SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL',
  ])
    expect((await c.say(command, 'w'))[1]).toBe(
      '* NO [NOUPDATE "w"] Result is not kept up to date',
    );
});

test('when messages cannot be read the client is told that updates end', async () => {
  const c = await client();
  await c.say('SEARCH RETURN (UPDATE) BODY body', 'u1');
  c.mailbox.trouble = new Error('disk');
  await c.mailbox.add({ text: 'Subject: new\n\nbody' });
  expect((await c.look()).at(-1)).toBe('* NO [NOUPDATE "u1"] Result is not kept up to date');
  c.mailbox.trouble = undefined;
  await c.mailbox.add({ text: 'Subject: new\n\nbody' });
  expect(await c.look()).toEqual(['* 6 EXISTS', '* 0 RECENT']);
});
