import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  expandVerp,
  PATH_MAX,
  parsePath,
  parsePathAndParameters,
  quoteAddress,
  quoteLocal,
  splitAddress,
  stripVerp,
} from './index.ts';

/** latin1 text of any bytes but those given. */
const latin1 = (maxLength: number, without = '') =>
  fc
    .uint8Array({ maxLength })
    .map((raw) =>
      [...Buffer.from(raw).toString('latin1')].filter((c) => !without.includes(c)).join(''),
    );

test('an address is cut at its last @', () => {
  expect(splitAddress('a@b@c')).toEqual({ local: 'a@b', domain: 'c' });
  expect(splitAddress('a@')).toEqual({ local: 'a', domain: '' });
  expect(splitAddress('root')).toEqual({ local: 'root', domain: undefined });
  expect(splitAddress('')).toEqual({ local: '', domain: undefined });
});

test.each([
  ['joe', 'joe'],
  ["joe.user-ext+x=y!#$%&'*/?^_`{|}~", "joe.user-ext+x=y!#$%&'*/?^_`{|}~"],
  ['', '""'],
  ['a b', '"a b"'],
  ['.a', '".a"'],
  ['a.', '"a."'],
  ['a..b', '"a..b"'],
  ['a@b', '"a@b"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['a\r\nb', '"a\\\r\\\nb"'],
  ['caf\xe9', '"caf\xe9"'],
  ['a\x7f', '"a\x7f"'],
  ['a[b]', '"a[b]"'],
])('the local part %j is sent as %j', (raw, quoted) => {
  expect(quoteLocal(raw)).toBe(quoted);
});

test('the domain is never quoted, and the empty address stays empty', () => {
  expect(quoteAddress('a b@[1.2.3.4]')).toBe('"a b"@[1.2.3.4]');
  expect(quoteAddress('@example.org')).toBe('""@example.org');
  expect(quoteAddress('a b')).toBe('"a b"');
  expect(quoteAddress('')).toBe('');
});

test.each([
  ['FROM:<joe@example.org>', 'joe@example.org'],
  ['TO:<>', ''],
  ['FROM: <joe@example.org>', 'joe@example.org'],
  ['FROM:joe@example.org', 'joe@example.org'],
  ['FROM:   joe@example.org SIZE=3', 'joe@example.org'],
  [':<joe@example.org>', 'joe@example.org'],
  ['FROM:', ''],
  ['TO:<"a\\@b"@c>', 'a@b@c'],
  ['TO:<@a,@b:u@d>', 'u@d'],
  ['TO:<@a:@b:u@d>', '@b:u@d'],
  ['TO:<"@a:b"@c>', '@a:b@c'],
  ['TO:<a@[1.2.3.4]>', 'a@[1.2.3.4]'],
  ['TO:<a@[IPv6:::1]>', 'a@[IPv6:::1]'],
  ['TO:<"a>b"@c>', 'a>b@c'],
  ['TO:<a\\>b@c>', 'a>b@c'],
  ['TO:<caf\xe9@c>', 'caf\xe9@c'],
  ['TO:<$(id)`|../x@c>', '$(id)`|../x@c'],
  ['TO:<a@b>junk', 'a@b'],
])('%j names %j', (argument, address) => {
  expect(parsePath(argument)).toBe(address);
});

test.each([
  '',
  'FROM',
  'joe@example.org',
  'FROM:<joe@example.org',
  'FROM:<"joe@example.org>',
  'FROM:<joe@example.org\\',
  'FROM:<joe@example.org\\>',
  'FROM:<@example.org>',
  'TO:<a\0b@c>',
  'TO:<a\rb@c>',
  'TO:<a\\\nb@c>',
  'TO:<a@b> X=\rY',
])('%j is a syntax error', (argument) => {
  expect(parsePath(argument)).toBeUndefined();
  expect(parsePathAndParameters(argument)).toBeUndefined();
});

test('an address is taken up to 899 bytes, one more and it is refused', () => {
  const longest = `${'a'.repeat(PATH_MAX - 2)}@b`;
  expect(parsePath(`TO:<${longest}>`)).toBe(longest);
  expect(parsePath(`TO:<a${longest}>`)).toBeUndefined();
  expect(parsePath(`TO:<${'\\a'.repeat(PATH_MAX)}>`)).toBe('a'.repeat(PATH_MAX));
});

test('parameters are what stands after the path, separated by spaces', () => {
  expect(parsePathAndParameters('FROM:<a@b> SIZE=5  BODY=8BITMIME AUTH=<> ')).toEqual({
    address: 'a@b',
    parameters: ['SIZE=5', 'BODY=8BITMIME', 'AUTH=<>'],
  });
  expect(parsePathAndParameters('FROM:a@b SIZE=5')).toEqual({
    address: 'a@b',
    parameters: ['SIZE=5'],
  });
  expect(parsePathAndParameters('FROM:<a@b>')).toEqual({ address: 'a@b', parameters: [] });
  expect(parsePathAndParameters('FROM:<a@b>SIZE=5')).toBeUndefined();
});

test('any box, quoted and read again, is the same box', () => {
  fc.assert(
    fc.property(latin1(60, '\0\r\n'), latin1(20, '\0\r\n@"\\<> '), (local, domain) => {
      const address = `${local}@${domain}`;
      expect(parsePath(`TO:<${quoteAddress(address)}>`)).toBe(address);
    }),
  );
});

test('whatever a client sends, an address has no NUL, CR or LF and is not longer than the limit', () => {
  fc.assert(
    fc.property(latin1(1200), fc.boolean(), (text, bracketed) => {
      const address = parsePath(bracketed ? `TO:<${text}>` : text);
      if (address === undefined) return;
      expect(address).not.toMatch(/[\0\r\n]/);
      expect(address.length).toBeLessThanOrEqual(PATH_MAX);
    }),
  );
});

test.each([
  ['list-@host-@[]', 'joe@example.org', 'list-joe=example.org@host'],
  ['list-@host-@[]', 'a@b@example.org', 'list-a@b=example.org@host'],
  ['a@b-@host-@[]', 'joe@x', 'a@b-joe=x@host'],
  ['list-@host-@[]', 'root', 'list-@host-@[]'],
  ['list-@[]', 'joe@x', 'list-@[]'],
  ['-@[]', 'joe@x', '-@[]'],
  ['@-@[]', 'joe@x', 'joe=x@'],
  ['#@[]', 'joe@x', '#@[]'],
  ['joe@host', 'ann@x', 'joe@host'],
  ['', 'ann@x', ''],
])('the sender %j for %j is %j', (sender, recipient, expanded) => {
  expect(expandVerp(sender, recipient)).toBe(expanded);
});

test('a bounce of a whole list message goes to the sender without the mark', () => {
  expect(stripVerp('list-@host-@[]')).toBe('list-@host');
  expect(stripVerp('#@[]')).toBe('#@[]');
  expect(stripVerp('joe@host')).toBe('joe@host');
});
