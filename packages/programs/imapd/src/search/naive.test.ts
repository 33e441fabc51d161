// The commands beside implementations that are as simple as can be, on mailboxes made at random.

import { FLAG } from '@q/mailbox';
import { baseSubject, casemap, messageIds } from '@q/mime';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TestClient } from './testing/client.ts';
import { type HeldMessage, TestMailbox } from './testing/mailbox.ts';
import { naiveThreads } from './testing/naive-threads.ts';

const word = fc.constantFrom('ab', 'AB', 'ba', 'Käse', 'x');
const id = fc.constantFrom('p', 'q', 'r', 's', 't', 'u', 'v', 'w');
const subject = fc.constantFrom('one', 'two', 'Re: one', 'Fwd: two', 'RE: Two', '', 'Re: ');

const mail = fc.record({
  id: fc.option(id),
  references: fc.array(id, { maxLength: 5 }),
  subject,
  body: fc.array(word, { maxLength: 3 }),
  from: word,
  day: fc.integer({ min: 1, max: 6 }),
  flags: fc.integer({ min: 0, max: 63 }).map((bits) => bits & ~FLAG.passed),
  keywords: fc.subarray(['$A', 'b']),
});

async function mailboxOf(
  mails: readonly (typeof mail extends fc.Arbitrary<infer M> ? M : never)[],
): Promise<TestMailbox> {
  const mailbox = new TestMailbox();
  for (const one of mails) {
    const lines = [
      `From: ${one.from}@x.test`,
      `Subject: ${one.subject}`,
      `Date: ${one.day} Jan 2020 00:30 +0100`,
      'Content-Type: text/plain; charset=utf-8',
      ...(one.id === null ? [] : [`Message-ID: <${one.id}@x>`]),
      ...(one.references.length === 0
        ? []
        : [`References: ${one.references.map((each) => `<${each}@x>`).join(' ')}`]),
    ];
    await mailbox.add({
      text: `${lines.join('\n')}\n\n${one.body.join(' ')}\n`,
      flags: one.flags,
      keywords: one.keywords,
      time: new Date(2020, 1, one.day, 12).getTime(),
    });
  }
  return mailbox;
}

/** A key with what it means, message by message. */
interface Key {
  readonly text: string;
  readonly matches: (mailbox: TestMailbox, message: HeldMessage) => boolean | Promise<boolean>;
}

const flagKeys: readonly Key[] = (
  [
    ['SEEN', FLAG.seen],
    ['DELETED', FLAG.deleted],
    ['FLAGGED', FLAG.flagged],
  ] as const
).map(([text, bit]) => ({ text, matches: (_, message) => (message.flags & bit) !== 0 }));

const leaf: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom(...flagKeys),
  fc.constantFrom('$A', 'B').map((keyword) => ({
    text: `KEYWORD ${keyword}`,
    matches: (_: TestMailbox, { keywords }: HeldMessage) =>
      keywords.some((one) => one.toUpperCase() === keyword),
  })),
  fc.integer({ min: 1, max: 3 }).map((last) => ({
    text: `UID 2:${last}`,
    matches: (_: TestMailbox, { uid }: HeldMessage) =>
      uid >= Math.min(2, last) && uid <= Math.max(2, last),
  })),
  word.map((text) => ({
    text: `BODY {${Buffer.from(text).toString('latin1')}}`,
    matches: (mailbox: TestMailbox, message: HeldMessage) =>
      mailbox.holds(message, { kind: 'body' }, text),
  })),
  word.map((text) => ({
    text: `FROM {${Buffer.from(text).toString('latin1')}}`,
    matches: (mailbox: TestMailbox, message: HeldMessage) =>
      mailbox.holds(message, { kind: 'header', name: 'from' }, text),
  })),
  fc.integer({ min: 1, max: 7 }).map((day) => ({
    text: `SINCE ${day}-Feb-2020`,
    matches: (mailbox: TestMailbox, message: HeldMessage) =>
      new Date(mailbox.factsOf(message).time).getDate() >= day,
  })),
  fc.integer({ min: 1, max: 7 }).map((day) => ({
    text: `SENTBEFORE ${day}-Jan-2020`,
    matches: (mailbox: TestMailbox, message: HeldMessage) =>
      Number.parseInt(mailbox.factsOf(message).envelope.date ?? '', 10) < day,
  })),
);

const { key } = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    tie('key').map((inner) => ({
      text: `NOT ${inner.text}`,
      matches: async (mailbox: TestMailbox, message: HeldMessage) =>
        !(await inner.matches(mailbox, message)),
    })),
    fc.tuple(tie('key'), tie('key')).map(([a, b]) => ({
      text: `OR ${a.text} ${b.text}`,
      matches: async (mailbox: TestMailbox, message: HeldMessage) =>
        (await a.matches(mailbox, message)) || (await b.matches(mailbox, message)),
    })),
    fc.tuple(tie('key'), tie('key'), tie('key')).map(([a, b, c]) => ({
      text: `(${a.text} ${b.text} ${c.text})`,
      matches: async (mailbox: TestMailbox, message: HeldMessage) =>
        (await a.matches(mailbox, message)) &&
        (await b.matches(mailbox, message)) &&
        (await c.matches(mailbox, message)),
    })),
  ),
}));

test('a search finds what its keys mean, message by message', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(mail, { maxLength: 6 }),
      key,
      fc.boolean(),
      async (mails, wanted, forgetful) => {
        const mailbox = await mailboxOf(mails);
        mailbox.forgetful = forgetful;
        const expected: number[] = [];
        for (const message of mailbox.messages)
          if (await wanted.matches(mailbox, message)) expected.push(message.uid);
        const [line] = await new TestClient(mailbox).say(`SEARCH CHARSET UTF-8 ${wanted.text}`);
        expect(line).toBe(['* SEARCH', ...expected].join(' '));
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  ['REFERENCES', true],
  ['REFS', false],
] as const)('THREAD %s is what RFC 5256 words step by step', async (algorithm, bySubject) => {
  await fc.assert(
    fc.asyncProperty(fc.array(mail, { maxLength: 12 }), async (mails) => {
      const mailbox = await mailboxOf(mails);
      const naive = mailbox.messages.map((message) => {
        const { envelope, references, sent } = mailbox.factsOf(message);
        const { text, isReply } = baseSubject(envelope.subject ?? '');
        return {
          number: message.uid,
          id: messageIds(envelope.messageId ?? '')[0],
          references,
          subject: casemap(text),
          isReply,
          sent: sent ?? 0,
        };
      });
      const [line] = await new TestClient(mailbox).say(`THREAD ${algorithm} UTF-8 ALL`);
      expect(line).toBe(`* THREAD ${naiveThreads(naive, bySubject)}`.trimEnd());
    }),
    { numRuns: 500 },
  );
});
