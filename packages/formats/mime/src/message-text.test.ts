import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ByteSource, bufferSource, messageText, previewOf } from './index.ts';
import { PREVIEW_MAX } from './limits.ts';
import { cutAt, hostileBytes, parsedChunks } from './testing/messages.ts';

const MIXED = 'Subject: =?utf-8?q?caf=C3=A9?=\nContent-Type: multipart/mixed; boundary=x\n\n';

/** The segments of a message's text. */
async function textsOf(
  bytes: Buffer,
  header: boolean,
  source = bufferSource(bytes),
): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text, begins } of messageText(source, parsedChunks([bytes]), { header })) {
    if (begins) texts.push(text);
    else texts[texts.length - 1] += text;
  }
  return texts;
}

test('the text of a message: headers and text bodies, decoded, in their order', async () => {
  const bytes = Buffer.from(
    `${MIXED}preamble\n--x\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n` +
      `caf=E9 sol=\neil\n--x\nContent-Type: image/png; name="p.png"\nContent-Transfer-Encoding: base64\n\nQUJD\n` +
      `--x\nContent-Type: message/rfc822\n\nSubject: =?utf-8?b?w6k=?=\n  =?utf-8?b?w6k=?= in\n\ninner\n--x--\nepilogue\n`,
  );
  const body = [
    'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n',
    'café soleil',
    'Content-Type: image/png; name="p.png"\nContent-Transfer-Encoding: base64\n\n',
    'Content-Type: message/rfc822\n\n',
    'Subject: éé in\n\n',
    'inner',
  ];
  expect(await textsOf(bytes, false)).toEqual(body);
  expect(await textsOf(bytes, true)).toEqual([
    'Subject: café\nContent-Type: multipart/mixed; boundary=x\n\n',
    ...body,
  ]);
});

test('an unknown charset is taken for what the bytes look like, an unknown encoding leaves the part out', async () => {
  const text = (header: string) => textsOf(Buffer.from(`${header}\n\ncaf\u00e9\n`), false);
  expect(await text('Content-Type: text/plain; charset=../../x')).toEqual(['café\r\n']);
  expect(await text('Content-Type: text/plain')).toEqual(['café\r\n']);
  expect(await text('Content-Transfer-Encoding: x-y')).toEqual([]);
});

test('a part that is no attachment but a nested message is read once', async () => {
  const bytes = Buffer.from(
    'Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nA: b\n\nonce\n',
  );
  expect(await textsOf(bytes, false)).toEqual([
    'Content-Type: message/rfc822\n\n',
    'A: b\n\n',
    'once\r\n',
  ]);
});

test('any message has a text, the same however its file is read', async () => {
  await fc.assert(
    fc.asyncProperty(hostileBytes, fc.array(fc.nat(500), { maxLength: 8 }), async (bytes, cuts) => {
      const inPieces: ByteSource = (start, end) => cutAt(bytes.subarray(start, end), cuts);
      expect(await textsOf(bytes, true, inPieces)).toEqual(await textsOf(bytes, true));
    }),
    { numRuns: 300 },
  );
});

const preview = (text: string) => {
  const bytes = Buffer.from(text);
  return previewOf(bufferSource(bytes), parsedChunks([bytes]));
};

test.each([
  ['plain text on one line', 'A: b\n\nHello,\n\n  wor\tld.\u0007\n', 'Hello, wor ld.'],
  ['no text', 'Content-Type: image/png\n\nx', ''],
  ['nothing', '', ''],
  ['an answer without what it quotes', 'A: b\n\n> old\n> words\nnew words\n', 'new words'],
  ['only a quote', 'A: b\n\n> old\n', '> old'],
  ['marks that turn the direction', 'A: b\n\na\u202eb\u200fc\n', 'a b c'],
  [
    'plain text rather than HTML, whichever is first',
    'Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/html\n\n<p>html\n--x\n\nplain\n--x--\n',
    'plain',
  ],
  [
    'no attachment, and no forwarded message',
    'Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Disposition: attachment\n\nno\n--x\nContent-Type: message/rfc822\n\n\nno\n--x\n\nyes\n--x--\n',
    'yes',
  ],
  [
    'HTML without its markup',
    'Content-Type: text/html; charset=utf-8\n\n<!DOCTYPE html><html><head><title>t</title><style>p {}</style></head>' +
      '<body><!-- c --><script>if (a<b) x()</script>\n<p>Caf&eacute; &amp;&nbsp;<b>so</b>leil&#x21;</p><br/>1 < 2 &unknown; &#99999999; &#0;</body></html>',
    'Café & soleil! 1 < 2 &unknown; &#99999999; \ufffd',
  ],
  ['HTML whose script does not end', 'Content-Type: text/html\n\na<script>b</scriptx>c', 'a'],
  ['HTML that is not closed', 'Content-Type: text/html\n\na<p', 'a'],
])('a preview of %s', async (_, text, expected) => {
  expect(await preview(text)).toBe(expected);
});

test('a preview has so many characters, and none is cut', async () => {
  expect(await preview(`A: b\n\n${'word '.repeat(1000)}`)).toHaveLength(PREVIEW_MAX - 1);
  const faces = await preview(`Content-Type: text/plain; charset=utf-8\n\n${'😀'.repeat(1000)}`);
  expect([...faces]).toHaveLength(PREVIEW_MAX);
});

test('any HTML has a preview', async () => {
  const pieces = [
    '<',
    '>',
    '<!--',
    '-->',
    '<p',
    '</',
    '<script>',
    '</script',
    '&',
    '&#',
    ';',
    '"',
    'a',
    ' ',
    '<style',
    '<!',
    '<a ',
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), async (fragments) => {
      const found = await preview(`Content-Type: text/html\n\n${fragments.join('')}`);
      expect([...found].length).toBeLessThanOrEqual(PREVIEW_MAX);
    }),
  );
  for (const piece of pieces) await preview(`Content-Type: text/html\n\n${piece.repeat(100_000)}`);
});
