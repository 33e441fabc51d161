// Messages made to harm who reads them: rows M1 to M6 of the list of attacks, section F.

/** One message, and what a client is told of it. */
export interface HostileMail {
  readonly row: string;
  readonly what: string;
  /** With LF, latin1. */
  readonly text: string;
  /** Stands in the answer to the FETCH of everything that is parsed. */
  readonly shows: RegExp;
}

const leaf = 'Content-Type: text/plain\n\nx\n';

/** A multipart with each part's text given whole. */
function multipart(boundary: string, parts: readonly string[], said = `"${boundary}"`): string {
  const inner = parts.map((part) => `--${boundary}\n${part}`).join('');
  return `Content-Type: multipart/mixed; boundary=${said}\n\n${inner}--${boundary}--\n`;
}

function nested(levels: number): string {
  const open = Array.from(
    { length: levels },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`,
  );
  return `${open.join('')}${leaf}`;
}

const header = (lines: string) => `${lines}\n\nbody\n`;
const repeat = (text: string, times: number) => text.repeat(times);
const parameters = (count: number) =>
  Array.from({ length: count }, (_, i) => ` name*${i}*=%41;`).join('\n');

export const HOSTILE_MAIL: readonly HostileMail[] = [
  {
    row: 'M1',
    what: 'ten thousand multiparts in each other',
    text: nested(10_000),
    shows: /BODYSTRUCTURE \({90,100}"text" "plain"/i,
  },
  {
    row: 'M1',
    what: 'ten thousand messages in each other',
    text: `${repeat('Content-Type: message/rfc822\n\n', 10_000)}Subject: inmost\n\n`,
    shows: /BODYSTRUCTURE \("message" "rfc822"/i,
  },
  {
    row: 'M1',
    what: 'a hundred thousand empty parts',
    text: multipart('p', Array(100_000).fill('\n')),
    shows: /BODYSTRUCTURE \(\("text" "plain"/i,
  },
  {
    row: 'M1',
    what: 'five megabytes of what looks like a boundary',
    text: multipart('near', [`\n${repeat('--nea\n--neaR\n--nearer-\n', 220_000)}`]),
    shows: /BODYSTRUCTURE \(\("text" "plain"/i,
  },
  {
    row: 'M1',
    what: 'a boundary that begins another',
    text: multipart('x', [multipart('xx', [leaf, leaf]), leaf]),
    shows:
      /BODYSTRUCTURE \(\(\("text" [^()]*\)\("text" [^()]*\) "mixed" .*?\)\("text" [^()]*\) "mixed"/i,
  },
  {
    row: 'M1',
    what: 'an empty boundary',
    text: multipart('', [leaf], '""'),
    shows: /BODYSTRUCTURE \("text" "plain"/i,
  },
  {
    row: 'M1',
    what: 'no boundary',
    text: 'Content-Type: multipart/mixed\n\n--\n\nx\n',
    shows: /BODYSTRUCTURE \("text" "plain"/i,
  },
  {
    row: 'M1',
    what: 'a boundary of a thousand bytes',
    text: multipart('b'.repeat(1000), [leaf, leaf]),
    shows: /BODYSTRUCTURE \(\("text" "plain"/i,
  },
  {
    row: 'M1',
    what: 'a boundary with blanks',
    text: multipart('foo  bar', [leaf, leaf]),
    shows: /BODYSTRUCTURE \(\("text" "plain".*\)\("text" "plain"/i,
  },
  {
    row: 'M2',
    what: 'base64 that is none',
    text: `Content-Transfer-Encoding: base64\n\n${repeat('!=?@A', 50_000)}\n`,
    shows: /BODYSTRUCTURE \("text" "plain" .*"base64"/i,
  },
  {
    row: 'M2',
    what: 'quoted-printable that is none',
    text: `Content-Transfer-Encoding: quoted-printable\n\n${repeat('=Z=\r=', 50_000)}\n`,
    shows: /"quoted-printable"/i,
  },
  {
    row: 'M2',
    what: 'an encoded word of a megabyte',
    text: header(`Subject: =?utf-8?q?${repeat('=41', 350_000)}?=`),
    shows: /ENVELOPE \(/,
  },
  {
    row: 'M2',
    what: 'encoded words in encoded words, and open ones',
    text: header(`Subject: ${repeat('=?utf-8?q?=?utf-8?b?QQ', 20_000)}`),
    shows: /ENVELOPE \(/,
  },
  ...['../../x', 'utf-7', 'x'.repeat(10_000), 'utf-8\0'].map((charset) => ({
    row: 'M2',
    what: `the character set ${JSON.stringify(charset.slice(0, 10))}`,
    text: `Content-Type: text/plain; charset="${charset}"\nSubject: =?${charset}?q?+AGE-?=\n\n+AGE-\n`,
    shows: /BODYSTRUCTURE \("text" "plain"/i,
  })),
  {
    row: 'M2',
    what: 'a parameter in ten thousand pieces, and some twice',
    text: `Content-Type: text/plain;\n${parameters(10_000)}\n name*0*=%42; name=b\n\nx\n`,
    shows: /BODYSTRUCTURE \("text" "plain"/i,
  },
  {
    row: 'M2',
    what: 'comments in each other in an address',
    text: header(`From: ${repeat('(', 100_000)}a@b`),
    shows: /ENVELOPE \(/,
  },
  ...[
    '../../x',
    'C:\\x',
    'a\0b',
    '\u202egpj.exe',
    'n'.repeat(5000),
    'CON',
    '.htaccess',
    '"\r\n* BYE',
  ].map((name) => ({
    row: 'M3',
    what: `an attachment called ${JSON.stringify(name.slice(0, 12))}`,
    text: multipart('a', [
      `Content-Type: application/x; name="${Buffer.from(name).toString('latin1')}"\nContent-Disposition: attachment; filename="${Buffer.from(name).toString('latin1')}"\n\nx\n`,
    ]),
    shows: /BODYSTRUCTURE \(\("application" "x"/i,
  })),
  {
    row: 'M4',
    what: 'HTML that would run',
    text: 'Content-Type: text/html\n\n<script>alert(1)</script><p>words</p><style>x{}</style>\n',
    shows: /BODYSTRUCTURE \("text" "html".*PREVIEW (?:"words"|\{5\}\r\nwords)/is,
  },
  {
    row: 'M5',
    what: 'escape sequences and line ends in encoded words',
    text: header(
      'Subject: \x1b[2J =?utf-8?q?a=0D=0A*_BYE?=\nFrom: =?utf-8?q?=E2=80=AE?= <a@b>\nFrom: second <c@d>',
    ),
    shows: /ENVELOPE \(NIL .*"=\?utf-8\?q\?=E2=80=AE\?=" NIL "a" "b"/s,
  },
  { row: 'M5', what: 'no header at all', text: '\nbody\n', shows: /ENVELOPE \((?:NIL ){9}NIL\)/ },
  {
    row: 'M5',
    what: 'two dates',
    text: header('Date: 1 Jan 2020 00:00:00 +0000\nDate: 2 Feb 2021 00:00:00 +0000'),
    shows: /ENVELOPE \("1 Jan 2020/,
  },
  ...[
    '1 Jan 0000 00:00:00 +0000',
    '31 Dec 9999 23:59:59 +9999',
    '31 Dec 1969 23:59:59 +0000',
    '99 Foo',
    `1 Jan ${'9'.repeat(40)} 00:00:00 +0000`,
  ].map((date) => ({
    row: 'M6',
    what: `the date ${date.slice(0, 20)}`,
    text: header(`Date: ${date}\nSubject: dated`),
    shows: new RegExp(`ENVELOPE \\("${date.replace('+', '\\+')}"`),
  })),
];
