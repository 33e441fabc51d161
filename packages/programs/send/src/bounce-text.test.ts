import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bounceOpening, bounceParagraph, bounceSeparator } from './bounce-text.ts';

test('a paragraph names the address, holds the text, and ends with an empty line', () => {
  expect(bounceParagraph('joe@example.org', 'No such box. (#5.1.1)\n')).toBe(
    '<joe@example.org>:\nNo such box. (#5.1.1)\n\n',
  );
  expect(bounceParagraph('joe@example.org', 'no newline')).toBe(
    '<joe@example.org>:\nno newline\n\n',
  );
  expect(bounceParagraph('joe@example.org', '')).toBe('<joe@example.org>:\n\n');
});

test('no text can end its paragraph early, nor an address forge one', () => {
  expect(bounceParagraph('a\n\n<x@y>:\n@z', 'one\n\n\ntwo\n')).toBe(
    '<a__<x@y>:_@z>:\none\n//two\n\n',
  );
  fc.assert(
    fc.property(fc.string(), fc.array(fc.constantFrom('a', '\n', '<')), (address, text) => {
      const paragraph = bounceParagraph(address, `x${text.join('')}`);
      // Without the last LF of the text and the empty line, no LF follows another.
      expect(paragraph.slice(0, -2)).not.toContain('\n\n');
      expect(paragraph.endsWith('\n\n')).toBe(true);
    }),
  );
});

const HEADER = {
  now: 811_824_413,
  bounceFrom: 'MAILER-DAEMON',
  bounceHost: 'mail.example.org',
  recipient: 'a b@example.net',
};

test('the opening of a bounce', () => {
  expect(bounceOpening({ ...HEADER, double: false })).toBe(
    [
      'Date: 23 Sep 1995 02:46:53 -0000',
      'From: MAILER-DAEMON@mail.example.org',
      'To: "a b"@example.net',
      'Subject: failure notice',
      '',
      'Hi. This is the qmail-send program at mail.example.org.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      "This is a permanent error; I've given up. Sorry it didn't work out.",
      '',
      '',
    ].join('\n'),
  );
});

test('the opening of a double bounce', () => {
  expect(
    bounceOpening({ ...HEADER, double: true })
      .split('\n')
      .slice(4),
  ).toEqual([
    '',
    'Hi. This is the qmail-send program at mail.example.org.',
    'I tried to deliver a bounce message to this address, but the bounce bounced!',
    '',
    '',
  ]);
});

test('the separators', () => {
  expect(bounceSeparator('x y@z', false)).toBe(
    '--- Below this line is a copy of the message.\n\nReturn-Path: <"x y"@z>\n',
  );
  expect(bounceSeparator('', true)).toBe(
    '--- Below this line is the original bounce.\n\nReturn-Path: <>\n',
  );
});
