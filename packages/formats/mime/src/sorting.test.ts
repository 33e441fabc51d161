// What SORT and THREAD compare: base subjects, dates, message ids, names, the collation.

import { expect, test } from 'vitest';
import { baseSubject, casemap, displayName, messageIds, parseSentDate } from './index.ts';
import { MESSAGE_ID_MAX, MESSAGE_IDS_MAX } from './limits.ts';

test.each([
  ['a', 'a', false],
  ['', '', false],
  ['Re: a', 'a', true],
  ['RE : a', 'a', true],
  ['re: Fw: FWD: a', 'a', true],
  ['Re[2]: a', 'a', true],
  ['Re [list] : a', 'a', true],
  ['[list] a', 'a', false],
  ['[list] Re: [other] a', 'a', true],
  ['[a] [b] [c] x', 'x', false],
  ['[a] [b] Re: x', 'x', true],
  ['[list]', '[list]', false],
  ['[a][b]', '[b]', false],
  ['[a] [b] ', '[b]', false],
  ['Re:', '', true],
  ['Re: Re:', '', true],
  ['Re: [list]', '[list]', true],
  ['a (fwd)', 'a', true],
  ['a (FWD) (fwd) ', 'a', true],
  ['(fwd)', '', true],
  ['[fwd: a]', 'a', true],
  ['[Fwd: Re: [list] a (fwd)]', 'a', true],
  ['[fwd: [fwd: a]]', 'a', true],
  ['[fwd: a', '[fwd: a', false],
  ['[fwd:]', '', true],
  ['a\t b\r\n c', 'a b c', false],
  ['  a  ', 'a', false],
  ['regarding a', 'regarding a', false],
  ['Reply: a', 'Reply: a', false],
  ['Re a', 'Re a', false],
  ['[a [b] c', '[a [b] c', false],
  ['=?utf-8?q?Re=3A_caf=C3=A9?=', 'café', true],
])('the base subject of %j is %j', (subject, text, isReply) => {
  expect(baseSubject(subject)).toEqual({ text, isReply });
});

test.each(['[a]', 'Re: ', '[fwd:', '(fwd)', ' ', '[', 'Re[x]: [y]', '[fwd: Re: '])(
  'a subject of 100,000 %j has a base',
  (piece) => {
    expect(baseSubject(piece.repeat(100_000)).text.length).toBeLessThan(10_000);
  },
);

const utc = (text: string) => Date.parse(`${text}Z`);

test.each([
  // RFC 5322, A.1.1, A.5, A.6.2
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06', '1997-11-21'],
  [
    'Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)',
    '1969-02-14T03:02:00',
    '1969-02-13',
  ],
  ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06', '1997-11-21'],
  ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06', '1997-11-21'],
  ['1 Jan 2026 00:30:00 +0100', '2025-12-31T23:30:00', '2026-01-01'],
  ['1 January 26 1:2:3 EST', '2026-01-01T06:02:03', '2026-01-01'],
  ['1 jan 126 00:00 z', '2026-01-01T00:00:00', '2026-01-01'],
  ['1-Jan-2026 00:00:00 +0000', '2026-01-01T00:00:00', '2026-01-01'],
  ['Thu Jan  1 12:00:00 2026', '2026-01-01T12:00:00', '2026-01-01'],
  ['Thu Jan  1 12:00:00 PST 2026', '2026-01-01T20:00:00', '2026-01-01'],
  ['Thu, 1 Jan 2026 23:59:60 +0000', '2026-01-01T23:59:59', '2026-01-01'],
  ['29 Feb 2024 12:00:00 -0000', '2024-02-29T12:00:00', '2024-02-29'],
  // A time that cannot be is midnight, a zone that cannot be is UTC.
  ['1 Jan 2026', '2026-01-01T00:00:00', '2026-01-01'],
  ['1 Jan 2026 25:00:00 +0500', '2026-01-01T00:00:00', '2026-01-01'],
  ['1 Jan 2026 12:00:00 +9999', '2026-01-01T12:00:00', '2026-01-01'],
  ['1 Jan 2026 12:00:00 XYZ', '2026-01-01T12:00:00', '2026-01-01'],
  ['1 Jan 2026 12:00:00', '2026-01-01T12:00:00', '2026-01-01'],
  ['1 Jan 0000 00:00:00 +0000', '0000-01-01T00:00:00', '0000-01-01'],
  ['31 Dec 9999 23:59:59 -1200', '+010000-01-01T11:59:59', '9999-12-31'],
  ['31 Dec 1969 23:59:59 +0000', '1969-12-31T23:59:59', '1969-12-31'],
])('the date %j', (field, time, day) => {
  expect(parseSentDate(field)).toEqual({
    time: utc(time),
    day: utc(`${day}T00:00:00`) / 86_400_000,
  });
});

test.each([
  '',
  'x',
  'Thu',
  '99 Jan 2026',
  '30 Feb 2026',
  '29 Feb 2025',
  '0 Jan 2026',
  '1 Foo 2026 00:00:00 +0000',
  '99 Foo',
  '1 Jan 20266',
  '1 Jan 99999999999999999999',
  '99999999999999999999 Jan 2026',
  '1 Jan -1',
  '1 Jan',
  'Jan 1 12:00:00',
  `${'('.repeat(100_000)}1 Jan 2026`,
  ','.repeat(100_000),
  ':'.repeat(100_000),
])('%j is no date', (field) => {
  expect(parseSentDate(field)).toBeUndefined();
});

test.each([
  ['<a@b>', ['a@b']],
  ['<a@b> <c@d>\t(x <no@no>) <e@f>', ['a@b', 'c@d', 'e@f']],
  ['<a@b><c@d>', ['a@b', 'c@d']],
  ['Your message of Thu <a@b> "<no@no>"', ['a@b']],
  ['< a (x) @ b >', ['a@b']],
  ['<"a b"@c>', ['a b@c']],
  ['<a\\@b)>', ['a\\@b)']],
  ['<a@b <c@d>', ['c@d']],
  ['<a@b', []],
  ['<nothing>', []],
  ['a@b', []],
  ['', []],
  [`<${'a'.repeat(MESSAGE_ID_MAX)}@b> <c@d>`, ['c@d']],
])('the message ids of %j', (field, ids) => {
  expect(messageIds(field)).toEqual(ids);
});

test('of a flood of message ids the first and the last are kept', () => {
  const ids = messageIds(Array.from({ length: 10_000 }, (_, i) => `<${i}@x>`).join(' '));
  expect(ids).toHaveLength(MESSAGE_IDS_MAX);
  expect(ids[0]).toBe('0@x');
  expect(ids.slice(1)).toEqual(
    Array.from({ length: MESSAGE_IDS_MAX - 1 }, (_, i) => `${10_001 - MESSAGE_IDS_MAX + i}@x`),
  );
  expect(messageIds('<'.repeat(100_000))).toEqual([]);
});

test('the name to sort by is the decoded name, else the address, else nothing', () => {
  const address = { name: undefined, route: undefined, mailbox: 'joe', host: 'x.y' };
  expect(displayName([{ ...address, name: '=?utf-8?q?J=C3=B6?=' }, address])).toBe('Jö');
  expect(displayName([address])).toBe('joe@x.y');
  expect(displayName([{ ...address, host: '' }])).toBe('joe');
  expect(displayName([{ ...address, mailbox: 'A Group', host: undefined }, address])).toBe(
    'A Group',
  );
  expect(displayName([])).toBe('');
  expect(displayName(undefined)).toBe('');
});

test.each([
  ['abc XYZ 1[', 'ABC XYZ 1['],
  ['É', 'E\u0301'],
  ['é', 'E\u0301'],
  ['e\u0301', 'E\u0301'],
  ['ﬁ', 'FI'],
  ['ß', 'ß'],
  ['ǆ', 'DZ\u030c'],
  ['Ǆ', 'DZ\u030c'],
  ['Σσς', 'ΣΣΣ'],
  ['Привет', 'ПРИВЕТ'],
  ['ა', 'ა'],
  ['Ａａ', 'AA'],
  ['한국', '한국'],
  ['ᾳ', 'Α\u0399'],
  ['ᾼ', 'Α\u0399'],
  ['ﬃ', 'FFI'],
  ['ŉ', 'ʼN'],
  ['𐐨', '𐐀'],
  ['\ud800', '\ud800'],
])('the collation takes %j for %j', (text, mapped) => {
  expect(casemap(text)).toBe(mapped);
});

test('what the collation gives does not change when it is mapped again, for each character of the BMP', () => {
  for (let code = 0; code < 0x10000; code++) {
    const char = String.fromCharCode(code);
    const mapped = casemap(char);
    if (casemap(mapped) !== mapped) expect.fail(`U+${code.toString(16)}`);
    const lower = char.toLowerCase();
    // But for Georgian and the final letters that SpecialCasing.txt knows, case makes no difference.
    if ([...lower].length === 1 && lower.toUpperCase() === char && casemap(lower) !== mapped) {
      expect(code >= 0x1c90 && code <= 0x1cbf).toBe(true);
    }
  }
});
