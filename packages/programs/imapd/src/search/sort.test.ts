import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeSort } from './merge-sort.ts';
import { compareTexts } from './sort-key.ts';
import { TestClient } from './testing/client.ts';
import { type Mail, TestMailbox } from './testing/mailbox.ts';

async function sorted(criteria: string, mails: readonly Mail[]): Promise<string> {
  const mailbox = new TestMailbox();
  for (const mail of mails) await mailbox.add(mail);
  const c = new TestClient(mailbox);
  const [plain] = await c.say(`SORT (${criteria}) UTF-8 ALL`);
  mailbox.forgetful = true;
  // Whether facts are remembered or read makes no difference.
  expect((await c.say(`UID SORT (${criteria}) UTF-8 ALL`))[0]).toBe(plain);
  return (plain ?? '').replace('* SORT ', '');
}

const MAILS: readonly Mail[] = [
  {
    text: 'From: Zoe <b@x>\nTo: Bob <k@x>, a@x\nCc: m@x\nSubject: Re: banana\nDate: 3 Jan 2020 10:00 +0000\n\nlong body\n',
    time: 5000,
  },
  {
    text: 'From: "=?utf-8?q?=C3=A4nne?=" <c@x>\nTo: Al <j@x>\nSubject: Apple\nDate: 3 Jan 2020 10:30 +0100\n\n',
    time: 4000,
  },
  { text: 'From: <A@x>\nSubject: banana (fwd)\nDate: 1 Jan 2020 00:00 +0000\n\nb\n', time: 3000 },
  { text: 'To: list:q@x;\n\n', time: Date.UTC(2020, 0, 2) },
];

test.each([
  ['ARRIVAL', '3 2 1 4'],
  ['REVERSE ARRIVAL', '4 1 2 3'],
  // The second is half an hour earlier than the first; the fourth has no date but came the day before.
  ['DATE', '3 4 2 1'],
  ['REVERSE DATE', '1 2 4 3'],
  ['SIZE', '4 3 2 1'],
  ['FROM', '4 3 1 2'],
  // A group that stands first is known by its name.
  ['TO', '3 2 1 4'],
  ['CC', '2 3 4 1'],
  ['SUBJECT', '4 2 1 3'],
  ['SUBJECT DATE', '4 2 3 1'],
  ['SUBJECT REVERSE DATE', '4 2 1 3'],
  ['REVERSE SUBJECT', '1 3 2 4'],
  // ä is an a with a mark; without a name the address is shown.
  ['DISPLAYFROM', '4 3 2 1'],
  ['DISPLAYTO', '3 2 1 4'],
])('SORT (%s) is %s', async (criteria, order) => {
  expect(await sorted(criteria, MAILS)).toBe(order);
});

test('ties are decided by the message number, also in reverse', async () => {
  const same = Array.from({ length: 5 }, () => ({ text: 'Subject: same\n\n', time: 1 }));
  expect(await sorted('REVERSE SUBJECT REVERSE DATE SIZE', same)).toBe('1 2 3 4 5');
});

test('sorting in slices gives what sorting at once gives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 5000, size: 'max' }), async (keys) => {
      let rests = 0;
      const compare = (a: number, b: number) => (keys[a] as number) - (keys[b] as number) || a - b;
      const indices = Uint32Array.from(keys.keys()).reverse();
      await mergeSort(indices, compare, async () => {
        rests += 1;
      });
      expect([...indices]).toEqual([...keys.keys()].sort(compare));
      expect(rests).toBeGreaterThanOrEqual(Math.floor(keys.length / 1024));
    }),
    { numRuns: 30 },
  );
});

test('texts are compared by code points, as UTF-8 compares bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(Math.sign(compareTexts(a, b))).toBe(bytes);
    }),
  );
});
