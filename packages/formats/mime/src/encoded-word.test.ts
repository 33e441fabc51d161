import fc from 'fast-check';
import { expect, test } from 'vitest';
import { charsetNamed, charsetNames, decodeHeader, decodeText } from './index.ts';
import { cutAt } from './testing/messages.ts';

test.each([
  // RFC 2047, 8, and the table at its end.
  ['=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>', 'Keith Moore <moore@cs.utk.edu>'],
  ['=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>', 'Keld Jørn Simonsen <keld@dkuug.dk>'],
  ['=?ISO-8859-1?Q?Andr=E9?= Pirard', 'André Pirard'],
  [
    '=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=',
    'If you can read this you understand the example.',
  ],
  ['(=?ISO-8859-1?Q?a?=)', '(a)'],
  ['(=?ISO-8859-1?Q?a?= b)', '(a b)'],
  ['(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a?=    =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a_b?=)', '(a b)'],
  ['(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)', '(a b)'],
  // RFC 2231, 5: with a language.
  ['=?US-ASCII*EN?Q?Keith_Moore?=', 'Keith Moore'],
  ['plain', 'plain'],
  ['', ''],
  ['=?utf-8?q?caf=C3?= =?UTF8?Q?=A9?=', 'café'],
  ['=?utf-8?b?4oI=?=\t=?utf-8?q?=AC?=', '€'],
  ['a=?utf-8?q?b?=c', 'abc'],
  ['=?utf-8?q?a?==?utf-8?q?b?=', 'ab'],
  ['=?utf-8?q?a b?=', 'a b'],
  ['=?utf-8?q?=zz=4?=', '=zz=4'],
  ['=?utf-8?b?YQ=?=', 'a'],
  ['=?utf-8?b?!!!?=', ''],
  ['=?utf-8?q??=', ''],
  ['=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=', '日本'],
  ['=?shift_jis?b?k/qWew==?=', '日本'],
  ['=?gb2312?b?1tDOxA==?=', '中文'],
  ['=?big5?b?pKSk5Q==?=', '中文'],
  ['=?euc-kr?b?x9GxuQ==?=', '한국'],
  ['=?koi8-r?b?8NLJ18XU?=', 'Привет'],
  ['=?windows-1252?q?=93x=94?=', '“x”'],
  // What cannot be decoded stays.
  ['=?x?q?a?=', '=?x?q?a?='],
  ['=?../../x?q?a?= b', '=?../../x?q?a?= b'],
  ['=?x?q?a?= =?utf-8?q?b?=', '=?x?q?a?= b'],
  ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
  ['=?utf-8?q?a', '=?utf-8?q?a'],
  ['=?utf-8?q?=?utf-8?q?a?=?=', '=?utf-8?q?a?='],
  ['=?', '=?'],
  // 8-bit text: UTF-8 if it can be, otherwise Windows-1252.
  ['caf\xc3\xa9', 'café'],
  ['caf\xe9 =?utf-8?q?x?=', 'café x'],
])('%j is %j', (raw, decoded) => {
  expect(decodeHeader(raw)).toBe(decoded);
});

test('floods are read, and text that is not encoded stays', () => {
  for (const flood of ['=?x?q?', '=?utf-8?q?', '=?', '?=', '=?a?b?c', '=?utf-8?q?a?=']) {
    const text = flood.repeat(100_000);
    expect(decodeHeader(text)).toBe(flood === '=?utf-8?q?a?=' ? 'a'.repeat(100_000) : text);
  }
});

test('any text in UTF-8 comes back, cut into words anywhere', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.nat(100)),
      fc.boolean(),
      (text, cuts, q) => {
        const words = cutAt(Buffer.from(text), cuts).map((bytes) =>
          q
            ? `=?utf-8?q?${bytes.toString('hex').replace(/../g, '=$&')}?=`
            : `=?utf-8?b?${bytes.toString('base64')}?=`,
        );
        // A byte order mark at the beginning is none of the text's characters.
        expect(decodeHeader(words.join(' '))).toBe(text.replace(/^\ufeff/, ''));
      },
    ),
  );
});

test('charsets are known by all their names, and none by another', () => {
  for (const name of [
    'UTF-8',
    'utf8',
    'us-ascii',
    'ANSI_X3.4-1968',
    'ISO_8859-1',
    'latin1',
    'cp1252',
    'Shift_JIS',
    'ISO-2022-JP',
    'utf-7',
  ]) {
    expect(charsetNamed(name)?.name).toBeDefined();
  }
  for (const name of [
    '',
    'x',
    '../../x',
    '__proto__',
    'base64',
    'hex',
    'constructor',
    'utf-9',
    'iso-8859-12',
  ]) {
    expect(charsetNamed(name)).toBeUndefined();
  }
  for (const name of charsetNames()) expect(charsetNamed(name)?.name).toBe(name);
});

/** Node refuses some broken text in these: what stands for it then depends on the pieces. */
const REFUSED = ['gb18030', 'euc-jp', 'iso-2022-jp'];

test.each(charsetNames())('%s decodes any bytes, in any pieces to the same', (name) => {
  const charset = charsetNamed(name);
  if (charset === undefined) throw new Error(name);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.nat(60), { maxLength: 4 }),
      (raw, cuts) => {
        const bytes = Buffer.from(raw);
        const decoder = charset.decoder();
        const pieces = cutAt(bytes, cuts).map((piece) => decoder.push(piece));
        const text = pieces.join('') + decoder.end();
        const whole = decodeText(charset, bytes);
        if (!REFUSED.includes(name)) expect(text).toBe(whole);
      },
    ),
    { numRuns: 40 },
  );
  expect(decodeText(charset, Buffer.alloc(0))).toBe('');
});

test.each([
  ['gb18030', [0x81, 0x30, 0x00], 'a'],
  ['euc-jp', [0x8f, 0xa1, 0x00], 'a'],
])('broken text in %s is no fault, and what follows is read', (name, broken, after) => {
  const decoder = charsetNamed(name)?.decoder();
  expect(decoder?.push(Buffer.from(broken))).toContain('\ufffd');
  expect(decoder?.push(Buffer.from(after))).toBe(after);
});

test('text that does not say its charset is UTF-8 run by run, or Windows-1252', () => {
  const unstated = charsetNamed('us-ascii');
  if (unstated === undefined) throw new Error('us-ascii');
  expect(decodeText(unstated, Buffer.from('é \xe9', 'utf8'))).toBe('é é');
  expect(decodeText(unstated, Buffer.from('\xc3\xa9 \xe9 \x80', 'latin1'))).toBe('é é €');
  const long = Buffer.from('日本語'.repeat(10_000));
  const decoder = unstated.decoder();
  const pieces = cutAt(long, [1, 4095, 12_289, 50_000]).map((piece) => decoder.push(piece));
  expect(pieces.join('') + decoder.end()).toBe('日本語'.repeat(10_000));
});
