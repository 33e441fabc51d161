import { expect, test } from 'vitest';
import { parameterText } from './index.ts';
import { PARAMETERS_MAX } from './limits.ts';
import { parsed } from './testing/messages.ts';

const root = (header: string) => parsed(`${header}\n\n`).root;
const parameters = (field: string) =>
  Object.fromEntries(root(`Content-Type: a/b${field}`).parameters);

test('without MIME fields a part is plain text', () => {
  expect(root('X: y')).toMatchObject({
    type: 'text',
    subtype: 'plain',
    parameters: [['charset', 'us-ascii']],
    encoding: '7bit',
    languages: [],
  });
  expect(Object.keys(root('X: y'))).not.toContain('disposition');
});

test('all that BODYSTRUCTURE tells of a part', () => {
  const part = root(
    'Content-Type: IMAGE/Png; NAME="a b.png"\nContent-Transfer-Encoding: BASE64 (x)\nContent-ID: <a@b>\n' +
      'Content-Description: a\n picture\nContent-MD5: Q2hlY2s=\nContent-Language: en (english), de-DE\n' +
      'Content-Location: http://x/y\nContent-Disposition: Attachment; filename=X; size=3',
  );
  expect(part).toMatchObject({
    type: 'image',
    subtype: 'png',
    parameters: [['name', 'a b.png']],
    encoding: 'base64',
    id: '<a@b>',
    description: 'a picture',
    md5: 'Q2hlY2s=',
    languages: ['en', 'de-DE'],
    location: 'http://x/y',
    disposition: {
      type: 'attachment',
      parameters: [
        ['filename', 'X'],
        ['size', '3'],
      ],
    },
  });
});

test.each([
  ['; charset=utf-8', { charset: 'utf-8' }],
  [' ; CharSet = "utf-8" ;', { charset: 'utf-8' }],
  ['; (x) charset (y) = (z) utf-8 (w); a=b', { charset: 'utf-8', a: 'b' }],
  ['; a="b\\"c\\\\d;e"', { a: 'b"c\\d;e' }],
  ['; a=b; a=c', { a: 'b' }],
  ['; name=my file.pdf; size=3', { name: 'my file.pdf', size: '3' }],
  ['; a; =b; c=; d', { c: '' }],
  ['; a="b', { a: 'b' }],
  ['; a=b)c', { a: 'b)c' }],
  ['; name=caf\xe9', { name: 'caf\xe9' }],
  // RFC 2231, 3 and 4.1
  [
    '; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/x.tar"',
    { 'access-type': 'URL', url: 'ftp://cs.utk.edu/x.tar' },
  ],
  [
    `; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn't it!"`,
    { 'title*': "us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!" },
  ],
  ["; title*=us-ascii'en-us'This%20is", { 'title*': "us-ascii'en-us'This%20is" }],
  ['; t*1=b; t*0=a; t*3=d', { t: 'ab' }],
  ['; t*1=b', {}],
  ['; t*0=a; t*1*=%41', { 't*': "''a%41" }],
  ['; t*00=a; t*01=b', { 't*00': 'a', 't*01': 'b' }],
])('the parameters of %j', (field, expected) => {
  expect(parameters(field)).toEqual(expected);
});

test('of a flood of parameters, or of pieces of one, only so many are read', () => {
  const backwards = Array.from({ length: 999 }, (_, i) => `; n*${999 - i}=x`).join('');
  expect(parameters(backwards)).toEqual({});
  expect(parameters(`; n*9999=x`)).toEqual({ 'n*9999': 'x' });
  const many = Array.from({ length: PARAMETERS_MAX * 2 }, (_, i) => `; n*${i}*=%78`).join('');
  expect(parameters(many)['n*']).toBe('%78'.repeat(PARAMETERS_MAX));
  expect(
    root(
      `Content-Type: a/b${'; x'.repeat(3)}${Array.from({ length: 3000 }, (_, i) => `; a${i}=b`).join('')}`,
    ).parameters.length,
  ).toBeLessThan(PARAMETERS_MAX);
});

test.each([
  ["; filename*=utf-8''%C3%BC.txt; filename=u.txt", 'ü.txt'],
  ["; filename*0*=iso-8859-1''%FC; filename*1=x%41", 'üx%41'],
  ['; filename="=?utf-8?q?=C3=BC?=.txt"', 'ü.txt'],
  ['; filename="\xc3\xbc"', 'ü'],
  ["; filename*=../../x''%FC", 'ü'],
  ["; filename*=%C3%BC'", "ü'"],
  ['; x=y', undefined],
])('the file name of %j', (field, expected) => {
  expect(parameterText(root(`Content-Type: a/b${field}`).parameters, 'filename')).toBe(expected);
});
