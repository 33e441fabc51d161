import { expect, test } from 'vitest';
import { TestClient } from './testing/client.ts';
import { type Mail, TestMailbox } from './testing/mailbox.ts';

/** A message with this id, sent on this day of January, that refers to others. */
function mail(
  id: string,
  day: number,
  { refs = '', subject = id, more = '' }: { refs?: string; subject?: string; more?: string } = {},
): Mail {
  const references = refs === '' ? '' : `References: ${refs.replace(/\S+/g, '<$&@x>')}\n`;
  return {
    text: `Message-ID: <${id}@x>\n${references}${more}Subject: ${subject}\nDate: ${day} Jan 2020 10:00 +0000\n\n`,
  };
}

async function client(mails: readonly Mail[]): Promise<TestClient> {
  const mailbox = new TestMailbox();
  for (const each of mails) await mailbox.add(each);
  return new TestClient(mailbox);
}

async function threads(
  algorithm: 'ORDEREDSUBJECT' | 'REFERENCES' | 'REFS',
  mails: readonly Mail[],
  keys = 'ALL',
): Promise<string> {
  const c = await client(mails);
  const [line] = await c.say(`THREAD ${algorithm} UTF-8 ${keys}`);
  expect(line).toMatch(/^\* THREAD(?: \(.*\))?$/);
  return (line ?? '').replace(/^\* THREAD ?/, '');
}

test('nothing found is an empty answer', async () => {
  expect(await threads('REFERENCES', [])).toBe('');
  expect(await threads('ORDEREDSUBJECT', [mail('a', 1)], 'DELETED')).toBe('');
});

test('ORDEREDSUBJECT: the first by date, and all others of that subject below it', async () => {
  const mails = [
    mail('a', 5, { subject: 'Re: x' }),
    mail('b', 2, { subject: 'y' }),
    mail('c', 4, { subject: 'X' }),
    mail('d', 6, { subject: 'Fwd: [list] x' }),
    mail('e', 3, { subject: 'Re: y' }),
    mail('f', 1, { subject: 'z' }),
  ];
  expect(await threads('ORDEREDSUBJECT', mails)).toBe('(6)(2 5)(3 (1)(4))');
});

test('REFERENCES: a chain is a list, and siblings are lists in a list by date', async () => {
  const mails = [
    mail('a', 1),
    mail('b', 2, { refs: 'a' }),
    mail('c', 9, { refs: 'a b' }),
    mail('d', 3, { refs: 'b' }),
    mail('e', 4, { refs: 'a b d' }),
    mail('f', 5),
  ];
  expect(await threads('REFERENCES', mails)).toBe('(1 2 (4 5)(3))(6)');
});

test('who has no References is placed by In-Reply-To, and by the first id in it', async () => {
  const mails = [
    mail('a', 1),
    mail('b', 2, { more: 'In-Reply-To: your mail <a@x> of <c@x>\n' }),
    mail('c', 3, { refs: 'nothing', more: 'In-Reply-To: <a@x>\n' }),
  ];
  expect(await threads('REFS', mails)).toBe('(1 2)(3)');
});

test('parents that are not there: one child stands for them, several are siblings below nothing', async () => {
  const mails = [
    mail('a', 3, { refs: 'gone' }),
    mail('b', 1, { refs: 'gone lost' }),
    mail('c', 2, { refs: 'other missing' }),
    mail('d', 4, { refs: 'other missing c' }),
  ];
  expect(await threads('REFS', mails)).toBe('((2)(1))(3 4)');
});

test('a message that does not match is as one that is not there', async () => {
  const mails = [mail('a', 1), mail('b', 2, { refs: 'a' }), mail('c', 3, { refs: 'a b' })];
  expect(await threads('REFS', mails, 'NOT 2')).toBe('(1 3)');
  expect(await threads('REFS', [...mails, mail('d', 4, { refs: 'a' })], 'NOT 1')).toBe(
    '((2 3)(4))',
  );
});

test('REFS: threads are in the order of their latest messages', async () => {
  const mails = [
    mail('a', 1),
    mail('b', 9, { refs: 'a' }),
    mail('c', 2),
    mail('d', 3, { refs: 'gone' }),
  ];
  expect(await threads('REFS', mails)).toBe('(3)(4)(1 2)');
  expect(await threads('REFERENCES', mails)).toBe('(1 2)(3)(4)');
});

test('the message itself says who its parent is, whatever others said of it', async () => {
  const mails = [
    mail('c', 3, { refs: 'a b' }),
    mail('b', 2, { refs: 'z' }),
    mail('z', 1),
    mail('a', 1),
  ];
  expect(await threads('REFS', mails)).toBe('(4)(3 2 1)');
  // It may also say that it has none.
  expect(await threads('REFS', [mail('c', 3, { refs: 'a b' }), mail('b', 2), mail('a', 1)])).toBe(
    '(3)(2 1)',
  );
});

test('loops are cut: a message is never its own ancestor', async () => {
  const loop = [
    mail('a', 1, { refs: 'c' }),
    mail('b', 2, { refs: 'a' }),
    mail('c', 3, { refs: 'b' }),
  ];
  expect(await threads('REFS', loop)).toBe('(3 1 2)');
  expect(await threads('REFS', [mail('a', 1, { refs: 'a' })])).toBe('(1)');
  expect(
    await threads('REFS', [mail('a', 1, { refs: 'b a b a' }), mail('b', 2, { refs: 'a b a' })]),
  ).toBe('(1 2)');
});

test('an id that several messages have is that of the first; ids are compared with their case, and without their quoting', async () => {
  const mails = [
    mail('a', 1),
    mail('a', 2, { subject: 'twin' }),
    mail('b', 3, { refs: 'a' }),
    mail('c', 4, { refs: 'A' }),
    { text: 'Message-ID: <"q"@x>\nSubject: q\nDate: 5 Jan 2020\n\n' },
    mail('d', 6, { refs: 'q' }),
  ];
  expect(await threads('REFS', mails)).toBe('(2)(1 3)(4)(5 6)');
});

test('REFERENCES joins threads with one subject: a reply below the original, equals below nothing', async () => {
  const mails = [
    mail('a', 1, { subject: 'x' }),
    mail('b', 2, { subject: 'Re: X' }),
    mail('c', 3, { subject: 'y' }),
    mail('d', 4, { subject: 'Y' }),
    mail('e', 5, { subject: 'Re: y' }),
    mail('f', 6, { subject: 'Re: z' }),
    mail('g', 7, { subject: 'z' }),
    mail('h', 8, { subject: '' }),
    mail('i', 9, { subject: 'Re: ' }),
  ];
  expect(await threads('REFERENCES', mails)).toBe('(1 2)((3)(4)(5))(7 6)(8)(9)');
  expect(await threads('REFS', mails)).toBe('(1)(2)(3)(4)(5)(6)(7)(8)(9)');
});

test('REFERENCES joins threads below missing parents that have one subject', async () => {
  const mails = [
    mail('a', 1, { refs: 'p', subject: 'x' }),
    mail('b', 2, { refs: 'p', subject: 'other' }),
    mail('c', 3, { refs: 'q', subject: 'x' }),
    mail('d', 4, { refs: 'q', subject: 'other' }),
    mail('e', 5, { subject: 'x' }),
  ];
  expect(await threads('REFERENCES', mails)).toBe('((1)(2)(3)(4)(5))');
});

test('a chain of 10,000 messages is one list, whichever way round they came', async () => {
  const count = 10_000;
  const chain = Array.from({ length: count }, (_, i) =>
    mail(`m${i}`, 1, i === 0 ? { subject: 's' } : { refs: `m${i - 1}`, subject: 's' }),
  );
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  expect(await threads('REFERENCES', chain)).toBe(`(${numbers.join(' ')})`);
  expect(await threads('REFERENCES', chain.reverse())).toBe(`(${numbers.reverse().join(' ')})`);
});

test('a References field of a megabyte and subjects that are all the same are threaded like others', async () => {
  const refs = Array.from({ length: 100_000 }, (_, i) => `r${i}`).join(' ');
  const same = Array.from({ length: 2000 }, (_, i) => mail(`s${i}`, 2, { subject: 'same' }));
  const found = await threads('REFERENCES', [mail('a', 1, { refs, subject: 'b' }), ...same]);
  expect(found).toMatch(/^\(1\)\(\(2\)\(3\)/);
  expect(await threads('ORDEREDSUBJECT', same)).toMatch(/^\(1 \(2\)\(3\)/);
});

test('UID THREAD names UIDs', async () => {
  const c = await client([mail('x', 1), mail('a', 2), mail('b', 3, { refs: 'a' })]);
  c.mailbox.change(c.mailbox.messages[0] as never, { gone: true });
  await c.look();
  expect((await c.say('THREAD REFS UTF-8 ALL'))[0]).toBe('* THREAD (1 2)');
  expect((await c.say('UID THREAD REFS UTF-8 ALL'))[0]).toBe('* THREAD (2 3)');
});
