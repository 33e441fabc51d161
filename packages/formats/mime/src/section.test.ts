import { expect, test } from 'vitest';
import { type SectionText, sectionSpan } from './index.ts';
import { parsed } from './testing/messages.ts';

// The structure of RFC 3501, 6.4.5's example: each body says where it is.
const EXAMPLE = `Subject: 0
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: text/plain

one
--a
Content-Type: application/octet-stream

two
--a
Content-Type: message/rfc822

Subject: 3
Content-Type: multipart/mixed; boundary=b

--b

three.one
--b
Content-Type: application/octet-stream

three.two
--b--
--a
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: image/gif

four.one
--c
Content-Type: message/rfc822

Subject: 4.2
Content-Type: multipart/mixed; boundary=d

--d

four.two.one
--d
Content-Type: multipart/alternative; boundary=e

--e

four.two.two.one
--e
Content-Type: text/richtext

four.two.two.two
--e--
--d--
--c--
--a--
`;

function section(text: string, path: number[], what: SectionText): string | undefined {
  const span = sectionSpan(parsed(text), path, what);
  return span && text.slice(span.start, span.end);
}

test.each([
  [[1], 'one'],
  [[2], 'two'],
  [[3, 1], 'three.one'],
  [[3, 2], 'three.two'],
  [[4, 1], 'four.one'],
  [[4, 2, 1], 'four.two.one'],
  [[4, 2, 2, 1], 'four.two.two.one'],
  [[4, 2, 2, 2], 'four.two.two.two'],
])('part %j of the example in RFC 3501', (path, body) => {
  expect(section(EXAMPLE, path, 'all')).toBe(body);
});

test('header, text and mime', () => {
  expect(section(EXAMPLE, [], 'header')).toMatch(/^Subject: 0\n.*\n\n$/);
  expect(section(EXAMPLE, [], 'text')).toMatch(/^--a\n/);
  expect(section(EXAMPLE, [], 'all')).toBe(EXAMPLE);
  expect(section(EXAMPLE, [1], 'mime')).toBe('Content-Type: text/plain\n\n');
  expect(section(EXAMPLE, [3], 'header')).toMatch(/^Subject: 3\n.*\n\n$/);
  expect(section(EXAMPLE, [3], 'text')).toMatch(/^--b\n[\s\S]*\n--b--$/);
  expect(section(EXAMPLE, [3], 'mime')).toBe('Content-Type: message/rfc822\n\n');
  expect(section(EXAMPLE, [3], 'all')).toMatch(/^Subject: 3\n[\s\S]*\n--b--$/);
  expect(section(EXAMPLE, [4, 2], 'header')).toMatch(/^Subject: 4.2\n/);
});

test.each<[number[], SectionText]>([
  [[0], 'all'],
  [[5], 'all'],
  [[1, 1], 'all'],
  [[3, 3], 'all'],
  [[1.5], 'all'],
  [[1], 'header'],
  [[4], 'text'],
  [[], 'mime'],
  [Array.from({ length: 5000 }, () => 1), 'all'],
])('there is no section %j %s', (path, what) => {
  expect(section(EXAMPLE, path, what)).toBeUndefined();
});

test('a message that is no multipart has a part 1, and so has one inside a part', () => {
  const plain = 'Subject: a\n\nbody\n';
  expect(section(plain, [1], 'all')).toBe('body\n');
  expect(section(plain, [1], 'mime')).toBe('Subject: a\n\n');
  expect(section(plain, [1, 1], 'all')).toBeUndefined();
  expect(section(plain, [2], 'all')).toBeUndefined();
  const nested = 'Content-Type: message/rfc822\n\nSubject: in\n\ninner\n';
  expect(section(nested, [1], 'all')).toBe('Subject: in\n\ninner\n');
  expect(section(nested, [1], 'header')).toBe('Subject: in\n\n');
  expect(section(nested, [1], 'text')).toBe('inner\n');
  expect(section(nested, [1, 1], 'all')).toBe('inner\n');
});
