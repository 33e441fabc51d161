import { FLAG } from '@q/mailbox';
import { expect, test } from 'vitest';
import { Progress } from '../progress.ts';
import type { Enabled } from '../session.ts';
import { TestClient } from './testing/client.ts';
import { TestMailbox } from './testing/mailbox.ts';

/** Ten messages with UIDs from 1; those with these numbers are flagged, the larger the number the smaller the message. */
async function client(
  flagged: readonly number[],
  enabled: readonly Enabled[] = [],
): Promise<TestClient> {
  const mailbox = new TestMailbox();
  for (let number = 1; number <= 10; number++)
    await mailbox.add({
      text: `Subject: s\n\n${'x'.repeat(50 - number)}`,
      flags: flagged.includes(number) ? FLAG.flagged : 0,
    });
  return new TestClient(mailbox, enabled);
}

test.each([
  ['()', 'ALL 2,4:6'],
  ['(ALL)', 'ALL 2,4:6'],
  ['(MIN)', 'MIN 2'],
  ['(MAX MIN)', 'MIN 2 MAX 6'],
  ['(COUNT)', 'COUNT 4'],
  ['(MIN MAX COUNT ALL)', 'MIN 2 MAX 6 COUNT 4 ALL 2,4:6'],
  ['(PARTIAL 1:2)', 'PARTIAL (1:2 2,4)'],
  ['(PARTIAL 3:2)', 'PARTIAL (2:3 4:5)'],
  ['(PARTIAL 4:500)', 'PARTIAL (4:500 6)'],
  ['(PARTIAL 5:6)', 'PARTIAL (5:6 NIL)'],
  ['(PARTIAL -1:-2)', 'PARTIAL (-1:-2 5:6)'],
  ['(PARTIAL -2:-1)', 'PARTIAL (-1:-2 5:6)'],
  ['(PARTIAL -4:-100)', 'PARTIAL (-4:-100 2)'],
  ['(PARTIAL -5:-6 COUNT)', 'COUNT 4 PARTIAL (-5:-6 NIL)'],
  ['(CONTEXT COUNT)', 'COUNT 4'],
])('SEARCH RETURN %s answers %s', async (options, data) => {
  const c = await client([2, 4, 5, 6]);
  expect((await c.say(`SEARCH RETURN ${options} FLAGGED`, 'A1'))[0]).toBe(
    `* ESEARCH (TAG "A1") ${data}`,
  );
  expect((await c.say(`UID SEARCH RETURN ${options} FLAGGED`))[0]).toBe(
    `* ESEARCH (TAG "a") UID ${data}`,
  );
});

test.each([
  ['()', ''],
  ['(MIN MAX)', ''],
  ['(MIN ALL COUNT)', ' COUNT 0'],
  ['(PARTIAL 1:1)', ' PARTIAL (1:1 NIL)'],
])('of nothing found, SEARCH RETURN %s answers "%s"', async (options, data) => {
  const c = await client([]);
  expect((await c.say(`SEARCH RETURN ${options} FLAGGED`))[0]).toBe(`* ESEARCH (TAG "a")${data}`);
  expect((await c.say(`SEARCH RETURN ${options} MODSEQ 99`))[1]).toBe(`* ESEARCH (TAG "a")${data}`);
});

test('PARTIAL and ALL exclude each other', async () => {
  expect((await (await client([])).say('SEARCH RETURN (PARTIAL 1:2 ALL) ALL'))[0]).toMatch(
    /^a BAD /,
  );
});

test('IMAP4rev2 knows no other answer to SEARCH than ESEARCH', async () => {
  const c = await client([3], ['IMAP4REV2']);
  expect((await c.say('SEARCH FLAGGED'))[0]).toBe('* ESEARCH (TAG "a") ALL 3');
  expect((await c.say('UID SEARCH DELETED'))[0]).toBe('* ESEARCH (TAG "a") UID');
  expect((await c.say('SORT (DATE) UTF-8 FLAGGED'))[0]).toBe('* SORT 3');
});

test('MODSEQ in ESEARCH is the highest of the messages that are spoken of', async () => {
  const c = await client([2, 4, 5, 6], ['CONDSTORE']);
  const say = async (options: string) =>
    (await c.say(`SEARCH RETURN ${options} FLAGGED MODSEQ 1`))[0];
  expect(await say('(MIN)')).toBe('* ESEARCH (TAG "a") MIN 2 MODSEQ 2');
  expect(await say('(MIN MAX)')).toBe('* ESEARCH (TAG "a") MIN 2 MAX 6 MODSEQ 6');
  expect(await say('(MIN COUNT)')).toBe('* ESEARCH (TAG "a") MIN 2 COUNT 4 MODSEQ 6');
  expect(await say('(MIN PARTIAL 2:3)')).toBe(
    '* ESEARCH (TAG "a") MIN 2 PARTIAL (2:3 4:5) MODSEQ 5',
  );
});

test.each([
  ['(SAVE)', '2,4:6'],
  ['(SAVE ALL)', '2,4:6'],
  ['(SAVE COUNT MIN)', '2,4:6'],
  ['(SAVE MIN)', '2'],
  ['(SAVE MAX)', '6'],
  ['(SAVE MIN MAX)', '2,6'],
  ['(SAVE MIN ALL)', '2,4:6'],
  ['(SAVE PARTIAL 2:3)', '4:5'],
  ['(SAVE PARTIAL 2:3 MIN)', '2,4:5'],
  ['(SAVE PARTIAL 1:1 MIN MAX)', '2,6'],
  ['(SAVE PARTIAL 1:1 COUNT)', '2,4:6'],
])('"$" after SEARCH RETURN %s is %s', async (options, set) => {
  const c = await client([2, 4, 5, 6]);
  await c.say(`SEARCH RETURN ${options} FLAGGED`);
  expect((await c.say('SEARCH RETURN () $'))[0]).toBe(`* ESEARCH (TAG "a") ALL ${set}`);
  expect((await c.say('UID SEARCH RETURN () UID $'))[0]).toBe(`* ESEARCH (TAG "a") UID ALL ${set}`);
});

test('SAVE alone answers nothing but OK', async () => {
  expect(await (await client([2])).say('SEARCH RETURN (SAVE) FLAGGED')).toEqual([
    'a OK SEARCH completed, result saved',
  ]);
});

test('"$" follows only searches that save: emptied by NO, left alone by BAD and by others', async () => {
  const c = await client([2, 4]);
  const saved = async () => (await c.say('SEARCH $'))[0];
  expect(await saved()).toBe('* SEARCH');
  await c.say('UID SEARCH RETURN (SAVE) FLAGGED');
  await c.say('SEARCH ALL');
  await c.say('SEARCH RETURN (SAVE) CHARSET UTF-8 SUBJECT {\xff}');
  await c.say('SEARCH RETURN (SAVE) NONSENSE');
  await c.say('SEARCH CHARSET x-nonsense ALL');
  expect(await saved()).toBe('* SEARCH 2 4');
  await c.say('SEARCH RETURN (SAVE) 1,3 $');
  expect(await saved()).toBe('* SEARCH');
  await c.say('SEARCH RETURN (SAVE) OR 1,3 FLAGGED');
  expect(await saved()).toBe('* SEARCH 1 2 3 4');
  // A message that is gone is no part of it any more.
  c.mailbox.change(c.mailbox.messages[1] as never, { gone: true });
  expect(await c.look()).toEqual(['* 2 EXPUNGE']);
  expect(await saved()).toBe('* SEARCH 1 2 3');
  expect((await c.say('SEARCH RETURN (SAVE) CHARSET x-nonsense ALL'))[0]).toMatch(
    /^a NO \[BADCHARSET /,
  );
  expect(await saved()).toBe('* SEARCH');
  await c.say('SORT RETURN (SAVE) (SIZE) UTF-8 1:2');
  expect(await saved()).toBe('* SEARCH 1 2');
  c.mailbox.trouble = new Error('disk');
  await expect(c.say('SEARCH RETURN (SAVE) BODY x')).rejects.toThrow('disk');
  expect(await saved()).toBe('* SEARCH');
});

test('SORT RETURN speaks of the order sorted by', async () => {
  const c = await client([2, 4, 5, 6]);
  const say = async (options: string) =>
    (await c.say(`SORT RETURN ${options} (SIZE) UTF-8 FLAGGED`))[0];
  expect(await say('()')).toBe('* ESEARCH (TAG "a") ALL 6,5,4,2');
  expect(await say('(MIN MAX COUNT)')).toBe('* ESEARCH (TAG "a") MIN 6 MAX 2 COUNT 4');
  expect(await say('(PARTIAL 2:3)')).toBe('* ESEARCH (TAG "a") PARTIAL (2:3 5,4)');
  expect(await say('(PARTIAL -1:-2)')).toBe('* ESEARCH (TAG "a") PARTIAL (-1:-2 4,2)');
  expect((await c.say('UID SORT RETURN () (REVERSE SIZE) UTF-8 FLAGGED'))[0]).toBe(
    '* ESEARCH (TAG "a") UID ALL 2,4:6',
  );
});

test('who waits for long is told how far the search is, never less than before', async () => {
  const c = await client([]);
  let now = 0;
  const progress = new Progress(c.session, 'a"b', 1000, 2, () => now);
  const told = async (at: number, done: number, of: number) => {
    now = at;
    await progress.at(done, of);
    return (await c.look()).join();
  };
  expect(await told(1900, 100, 1000)).toBe('');
  expect(await told(2100, 500, 1000)).toBe('* OK [INPROGRESS ("a\\"b" 250 1000)] Still at it');
  expect(await told(2200, 600, 1000)).toBe('');
  progress.stepDone();
  expect(await told(9000, 10, 20)).toBe('* OK [INPROGRESS ("a\\"b" 750 1000)] Still at it');
  expect(await told(18_000, 0, 20)).toBe('* OK [INPROGRESS ("a\\"b" 750 1000)] Still at it');
  progress.stepDone();
  expect(await told(27_000, 20, 20)).toBe('* OK [INPROGRESS ("a\\"b" 1000 1000)] Still at it');
});
