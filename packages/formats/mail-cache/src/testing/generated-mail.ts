// Mail for searches: charsets, encoded words, transfer encodings and structures, from a small alphabet, so that values
// are found, nearly found, and found across every kind of boundary.

import fc from 'fast-check';

const word = fc.stringMatching(/^[abAB]{1,4}$/);
const wide = fc.constantFrom(
  'ä',
  'Ä',
  'a\u0308',
  'ß',
  'ﬁ',
  'FI',
  'ж',
  'Ж',
  '日本',
  '𝒳',
  'é',
  '\u0000',
);
const text = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: word },
      { weight: 2, arbitrary: wide },
      fc.constantFrom(' ', '  ', '\n', '='),
    ),
    {
      maxLength: 12,
    },
  )
  .map((pieces) => pieces.join(''));

const encodedWord = fc
  .record({ text, base64: fc.boolean() })
  .map(({ text, base64 }) =>
    base64
      ? `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`
      : `=?UTF-8?q?${quotedPrintable(Buffer.from(text), /[A-Za-z]/)}?=`,
  );

const fieldText = fc
  .array(
    fc.oneof(
      word,
      encodedWord,
      fc.constantFrom(' ', '\n ', '\n\t', ',', '<a@b>', '\xe4', '\xc3\xa4'),
    ),
    {
      maxLength: 6,
    },
  )
  .map((pieces) => pieces.join(''));

const field = fc
  .record({
    name: fc.constantFrom(
      'Subject',
      'subject',
      'FROM',
      'From',
      'To',
      'X-A',
      'A',
      'X-\xe4',
      'Subject ',
    ),
    value: fieldText,
  })
  .map(({ name, value }) => `${name}:${value}\n`);

const brokenLine = fc.constantFrom(
  'no colon ab\n',
  ' folded at the beginning\n',
  ': ab\n',
  '=?utf-8?q?ab\n',
);

const header = fc
  .array(fc.oneof({ weight: 8, arbitrary: field }, brokenLine), { maxLength: 5 })
  .map((lines) => lines.join(''));

const leaf = fc
  .record({
    type: fc.constantFrom('text/plain', 'text/html', 'TEXT/x', 'application/octet-stream', ''),
    charset: fc.constantFrom('utf-8', 'iso-8859-1', 'utf-16le', 'unknown', ''),
    encoding: fc.constantFrom('7bit', 'base64', 'quoted-printable', 'x-none', ''),
    text,
  })
  .map(({ type, charset, encoding, text }) => {
    const bytes =
      charset === 'utf-16le'
        ? Buffer.from(text, 'utf16le')
        : charset === 'iso-8859-1'
          ? Buffer.from(text, 'latin1')
          : Buffer.from(text);
    const body =
      encoding === 'base64'
        ? (bytes
            .toString('base64')
            .match(/.{1,8}/g)
            ?.join('\n') ?? '')
        : encoding === 'quoted-printable'
          ? quotedPrintable(bytes, /[A-Z \n]/)
          : bytes.toString('latin1');
    return {
      header: `${type && `Content-Type: ${type}${charset && `; charset=${charset}`}\n`}${encoding && `Content-Transfer-Encoding: ${encoding}\n`}`,
      body: `${body}\n`,
    };
  });

const part: fc.Arbitrary<{ header: string; body: string }> = fc.oneof(
  { weight: 5, arbitrary: leaf },
  fc.array(leaf, { minLength: 1, maxLength: 3 }).map((leaves) => ({
    header: 'Content-Type: multipart/mixed; boundary=b\n',
    body: `ab\n${leaves.map(({ header, body }) => `--b\n${header}\n${body}`).join('')}--b--\nab\n`,
  })),
  fc.record({ header, leaf }).map(({ header, leaf }) => ({
    header: 'Content-Type: message/rfc822\n',
    body: `${header}${leaf.header}\n${leaf.body}`,
  })),
);

/** A message file, latin1. */
export const mail: fc.Arbitrary<string> = fc
  .record({ header, part })
  .map(({ header, part }) => `${header}${part.header}\n${part.body}`);

/** What may be looked for. */
export const value: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: text },
  fc.constantFrom(
    '',
    'a',
    'ab',
    'Ab',
    'abA',
    '\r\n',
    '\n',
    ' ',
    ':',
    'subject:',
    'SUBJECT: A',
    'X-A:',
    'a\u0308',
    '\ufffd',
    'fi',
    'SS',
  ),
);

export const fieldName: fc.Arbitrary<string> = fc.constantFrom(
  'subject',
  'From',
  'x-a',
  'A',
  'none',
  'X-\xe4',
  '',
);

function quotedPrintable(bytes: Buffer, plain: RegExp): string {
  return [...bytes]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return plain.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
