// Generated messages: whatever address a generator put in, in whatever form, is in the envelope and in the new header.

import { parseAddressList, parseField } from '@q/rfc822';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Passed, passHeader } from './testing/pass.ts';

/** A piece of text and what it means. */
interface Written {
  readonly text: string;
  readonly address: string;
}

/** Blanks, folding and comments, which mean nothing; at least one where `apart`. */
const blank = (apart = false) =>
  fc.constantFrom(
    ...(apart ? [] : ['', '', '', '']),
    ' ',
    '\t',
    ' \n ',
    ' (c(d\\)e) "f)',
    '\r\n\t',
  );
const atom = fc.string({
  unit: fc.constantFrom(..."abcXYZ019!#$%&'*+-/=?^_`{|}~"),
  minLength: 1,
  maxLength: 6,
});
const eightBit = fc.string({
  unit: fc.constantFrom('\x80', '\xe9', '\xff', 'a'),
  minLength: 1,
  maxLength: 4,
});
const local: fc.Arbitrary<Written> = fc.oneof(
  fc
    .tuple(fc.array(fc.oneof(atom, eightBit), { minLength: 1, maxLength: 3 }), blank(), blank())
    .map(([atoms, before, after]) => ({
      text: atoms.join(`${before}.${after}`),
      address: atoms.join('.'),
    })),
  fc.string({ unit: fc.constantFrom(...'ab "\\@,;:<>()[].\xe9\x01'), maxLength: 6 }).map((raw) => ({
    text: `"${raw.replace(/["\\]/g, '\\$&')}"`,
    address: raw,
  })),
);
// A host that ends in "+" would get the plus domain.
const hostAtom = atom.map((text) => text.replace(/\+$/, 'p'));
const host: fc.Arbitrary<Written> = fc.oneof(
  fc
    .tuple(fc.array(hostAtom, { minLength: 2, maxLength: 3 }), blank())
    .map(([atoms, between]) => ({ text: atoms.join(`.${between}`), address: atoms.join('.') })),
  hostAtom.map((name) => ({ text: name, address: `${name}.domain.test` })),
  hostAtom.map((name) => ({ text: `${name}+`, address: `${name}.plus.test` })),
  fc.constant({ text: '[192.0.2.1]', address: '[192.0.2.1]' }),
);
const box: fc.Arbitrary<Written> = fc
  .tuple(local, host, blank(), blank(), fc.boolean())
  .map(([left, right, before, after, alone]) =>
    alone
      ? { text: left.text, address: `${left.address}@host.domain.test` }
      : {
          text: `${left.text}${before}@${after}${right.text}`,
          address: `${left.address}@${right.address}`,
        },
  );
const phrase = fc
  .array(fc.oneof(atom, eightBit, fc.constant('"a, <b@c> \xe9"'), fc.constant('B.')), {
    maxLength: 3,
  })
  .map((words) => words.join(' '));
const mailbox: fc.Arbitrary<Written> = fc.oneof(
  box,
  fc
    .tuple(phrase, blank(), box, fc.constantFrom('', '', '@a,@b.c:'))
    .map(([name, gap, inner, route]) => ({
      text: `${name}${gap}<${route}${inner.text}>`,
      address: inner.address,
    })),
);
interface List {
  readonly text: string;
  readonly addresses: readonly string[];
}
const boxes = (max: number): fc.Arbitrary<List> =>
  fc.tuple(fc.array(fc.tuple(blank(), mailbox, blank()), { maxLength: max })).map(([items]) => ({
    text: items.map(([before, item, after]) => before + item.text + after).join(','),
    addresses: items.map(([, item]) => item.address),
  }));
const list: fc.Arbitrary<List> = fc
  .array(
    fc.oneof(
      boxes(3),
      fc.tuple(atom, boxes(2)).map(([name, { text, addresses }]) => ({
        text: `${name}:${text};`,
        addresses,
      })),
    ),
    { maxLength: 2 },
  )
  .map((parts) => ({
    text: parts.map(({ text }) => text).join(','),
    addresses: parts.flatMap(({ addresses }) => addresses),
  }));
const message = fc.array(
  fc.record({
    name: fc.constantFrom('To', 'cc', 'BCC ', 'Apparently-To', 'Reply-To', 'X-Caf'),
    list,
  }),
  { maxLength: 3 },
);

const CHUNKS = 25;
const RUNS = 800;
const MESSAGES = 5;

test.each(Array.from({ length: CHUNKS }, (_, chunk) => chunk + 1))(
  `no recipient is dropped or changed: chunk %i of ${CHUNKS}, ${RUNS * MESSAGES} messages each`,
  (seed) => {
    fc.assert(
      fc.property(fc.array(message, { minLength: MESSAGES, maxLength: MESSAGES }), (messages) => {
        for (const fields of messages) {
          const text = fields.map(({ name, list: { text } }) => `${name}:${text}\n`).join('');
          const passed = passHeader(text);
          expect(passed.unread).toBeUndefined();
          const recipients = fields
            .filter(({ name }) => /^(?:to|cc|bcc|app)/i.test(name))
            .flatMap(({ list: { addresses } }) => addresses.toReversed());
          expect(passed.recipients).toEqual(recipients);
          expect(addressesOf(passed)).toEqual(
            fields
              .filter(({ name }) => /^(?:to|cc|app|reply)/i.test(name))
              .map(({ list: { addresses } }) => addresses),
          );
        }
      }),
      { numRuns: RUNS, seed },
    );
  },
);

/** What the fields of the new header say, without those that were added. */
function addressesOf({ header }: Passed): unknown[] {
  return fieldsOf(header)
    .filter(
      ({ key, body }) =>
        /^(?:to|cc|apparently-to|reply-to)$/.test(key) && !body.includes('not shown'),
    )
    .map(({ body }) => parseAddressList(body));
}

function fieldsOf(header: string) {
  return header
    .split(/\n(?![ \t])/)
    .filter(Boolean)
    .map((text) => {
      const field = parseField(text);
      if (field === undefined) throw new Error(`not a field: ${JSON.stringify(text)}`);
      return field;
    });
}

test('whatever bytes come, the outcome is a header of fields or one clear error; the body keeps its bytes', () => {
  const bytes = fc.string({
    unit: fc.constantFrom(
      ...[
        'To',
        'Cc',
        'Bcc',
        'From',
        'Resent-To',
        'Return-Path',
        'X',
        ':',
        ' ',
        '\n',
        '\n',
        '\r',
        '\t',
        '\0',
      ],
      ...[
        'a@b',
        '<',
        '>',
        '(',
        ')',
        '"',
        '[',
        ']',
        ',',
        ';',
        '\\',
        '@',
        '.',
        '+',
        '\x80',
        '\xff',
        '\n ',
      ],
    ),
    maxLength: 60,
  });
  fc.assert(
    fc.property(bytes, (text) => {
      let passed: Passed;
      try {
        passed = passHeader(text);
      } catch (error) {
        expect((error as Error).message).toMatch(/^unable to parse this line:\n/);
        return;
      }
      fieldsOf(passed.header);
      expect(passed.header).toMatch(/^(?:[!-9;-~]+[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*)+$/);
      expect(
        text.endsWith(passed.rest.slice(1)) || `${text}\n`.endsWith(passed.rest.slice(1)),
      ).toBe(true);
      for (const address of passed.recipients) expect(address).not.toMatch(/[\0\n]/);
    }),
    { numRuns: 20_000 },
  );
});
