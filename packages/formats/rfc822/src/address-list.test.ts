import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatField, parseAddressList, rewriteAddressList, tokenize } from './index.ts';

/** The field that is made of a body, nothing rewritten. */
function formatted(body: string): string | undefined {
  const tokens = tokenize(body);
  const list = tokens && rewriteAddressList(tokens, (address) => address);
  return list && formatField('To', list);
}

describe('RFC 5322, appendix A', () => {
  test.each([
    ['A.1.1', 'John Doe <jdoe@machine.example>', ['jdoe@machine.example']],
    ['A.1.2', '"Joe Q. Public" <john.q.public@example.com>', ['john.q.public@example.com']],
    [
      'A.1.2',
      'Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>',
      ['mary@x.test', 'jdoe@example.org', 'one@y.test'],
    ],
    [
      'A.1.2',
      '<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
      ['boss@nil.test', 'sysservices@example.net'],
    ],
    ['A.1.3', 'Pete <pete@silly.example>', ['pete@silly.example']],
    [
      'A.1.3',
      'A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;',
      ['c@a.test', 'joe@where.test', 'jdoe@one.test'],
    ],
    ['A.1.3', 'Undisclosed recipients:;', []],
    ['A.2', '"Mary Smith: Personal Account" <smith@home.example>', ['smith@home.example']],
    ['A.3', 'Mary Smith <mary@example.net>', ['mary@example.net']],
    ['A.5', 'Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>', ['pete@silly.test']],
    [
      'A.5',
      "A Group(Some people)\n     :Chris Jones <c@(Chris's host.)public.example>,\n" +
        '         joe@example.org,\n  John <jdoe@one.test> (my dear friend); (the end of the group)',
      ['c@public.example', 'joe@example.org', 'jdoe@one.test'],
    ],
    ['A.5', '(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;', []],
    ['A.6.1', 'Joe Q. Public <john.q.public@example.com>', ['john.q.public@example.com']],
    [
      'A.6.1',
      'Mary Smith <@node.test:mary@example.net>, , jdoe@test   . example',
      ['mary@example.net', 'jdoe@test.example'],
    ],
    ['A.6.3', ' John Doe <jdoe@machine(comment).  example>', ['jdoe@machine.example']],
    ['A.6.3', ' Mary Smith\n  \n          <mary@example.net>', ['mary@example.net']],
  ])('%s: %j', (_section, body, addresses) => {
    expect(parseAddressList(body)).toEqual(addresses);
    expect(parseAddressList(formatted(body)?.slice(3) ?? '')).toEqual(addresses);
  });
});

test.each([
  // Body, addresses, and the field made of it. A comment goes behind the address it stands before.
  ['', [], 'To:'],
  ['joe', ['joe'], 'To: joe'],
  ['  a@b  ', ['a@b'], 'To: a@b'],
  ['djb fred', ['djb', 'fred'], 'To: djb, fred'],
  ['a@b c@d', ['a@b', 'c@d'], 'To: a@b, c@d'],
  ['a.b . c@d', ['a.b.c@d'], 'To: a.b.c@d'],
  ['a@b (c) d@e', ['a@b', 'd@e'], 'To: a@b, d@e (c)'],
  ['<a@b>', ['a@b'], 'To: <a@b>'],
  ['<>', [''], 'To: <>'],
  ['<a@b> <c@d>', ['a@b', 'c@d'], 'To: <a@b> <c@d>'],
  ['<a@b> c', ['a@b', 'c'], 'To: <a@b>, c'],
  ['joe@home <joe@work>', ['joe@work'], 'To: joe@home <joe@work>'],
  ['[Team] Joe <joe@work>', ['joe@work'], 'To: [Team] Joe <joe@work>'],
  ['a@[192.0.2.1]', ['a@[192.0.2.1]'], 'To: a@[192.0.2.1]'],
  ['a@[IPv6:2001:db8::1]', ['a@[IPv6:2001:db8::1]'], 'To: a@[IPv6:2001:db8::1]'],
  ['"a b"@c', ['a b@c'], 'To: "a b"@c'],
  ['"a\\"\\\\b"@c', ['a"\\b@c'], 'To: "a\\"\\\\b"@c'],
  ['""@c', ['@c'], 'To: ""@c'],
  ['a\\ b@c', ['a b@c'], 'To: "a b"@c'],
  ['a\\,b@c', ['a,b@c'], 'To: "a,b"@c'],
  ['a\\@b@c', ['a@b@c'], 'To: "a@b"@c'],
  ['a)b@c', ['a)b@c'], 'To: "a\\)b"@c'],
  ['caf\xe9 <a@b>', ['a@b'], 'To: "caf\xe9" <a@b>'],
  ['caf\xc3\xa9@b', ['caf\xc3\xa9@b'], 'To: "caf\xc3\xa9"@b'],
  ['"caf\xe9" (caf\xe9) <a@b>', ['a@b'], 'To: "caf\xe9" (caf\xe9) <a@b>'],
  ['(a(b)c) d', ['d'], 'To: d (abc)'],
  ['"a\n b"@c', ['a b@c'], 'To: "a\n b"@c'],
  ['"a\r\n b"@c', ['a b@c'], 'To: "a\n b"@c'],
  ['(a\n b) c\r\n d', ['c', 'd'], 'To: c (a\n b), d'],
  ['a\\', ['a'], 'To: a'],
  ['g: a, b;', ['a', 'b'], 'To: g: a, b;'],
  ['g: a;, b', ['a', 'b'], 'To: g: a;, b'],
  ['g: a; b', ['a', 'b'], 'To: g: a;, b'],
  ['x: a; y: b;', ['a', 'b'], 'To: x: a;, y: b;'],
  ['Joe <a@b> y: b;', ['a@b', 'b'], 'To: Joe <a@b>, y: b;'],
  ['a, g:;', ['a'], 'To: a, g: ;'],
  ['<@a,@b:c@d>', ['c@d'], 'To: <@a, @b: c@d>'],
  ['<@a:>', [''], 'To: <@a: >'],
  [',', [], 'To: ,'],
  ['a,', ['a'], 'To: a,'],
  ['a@b@c', ['a@b@c'], 'To: a@b@c'],
  ['a..b@c', ['a..b@c'], 'To: a..b@c'],
  ['$(id)|/x@y', ['$', '|/x@y'], 'To: $, |/x@y (id)'],
])('%j', (body, addresses, field) => {
  expect(parseAddressList(body)).toEqual(addresses);
  expect(formatted(body)).toBe(`${field}\n`);
});

test.each([
  ')',
  'a, ]',
  '(a',
  '(a(b)',
  '(a\\)',
  '"a',
  '"a\\"',
  '[1.2.3.4',
  '[1\\]',
  'a>',
  'a@b> c',
  'g: a',
  'a: b@c',
  'g: a, h: b;;',
  'g: h: a;;',
])('%j cannot be read', (body) => {
  expect(parseAddressList(body)).toBeUndefined();
});

test('a long list is folded behind commas, as qmail folds it', () => {
  const name = (n: number, length: number) =>
    `${'x'.repeat(length - 4)}${String(n).padStart(2, '0')}@h`;
  // A line may have 78 columns, its comma included; with one more the address goes to the next.
  const fits = `${name(1, 30)}, ${name(2, 41)}`; // "To: " + 30 + ", " + 41 + "," = 78
  expect(formatted(`${fits}, z@h`)).toBe(`To: ${fits},\n  z@h\n`);
  const wide = `${name(1, 30)}, ${name(2, 42)}`;
  expect(formatted(`${wide}, z@h`)).toBe(`To: ${wide.replace(', ', ',\n  ')}, z@h\n`);
  const huge = name(3, 200);
  expect(formatted(`a@h, ${huge}, b@h`)).toBe(`To: a@h,\n  ${huge},\n  b@h\n`);
});

test('each address is replaced, the last first, in the place where it stands', () => {
  const seen: string[] = [];
  const tokens = tokenize('Ann <a@b> (x), g: c, d;');
  const list = rewriteAddressList(tokens ?? [], (address) => {
    seen.push(address.map((token) => token.text).join(''));
    return [...address, { type: '.', text: '.' }];
  });
  expect(seen).toEqual(['d', 'c', 'a@b']);
  expect(formatField('Cc', list ?? [])).toBe('Cc: Ann <a@b.>(x), g: c., d.;\n');
});

const nasty = fc.string({
  unit: fc.constantFrom(
    ...'ab.@<>:;,()[]"\\ \t\r\xe9\xff\0+',
    '\n ',
    '\r\n\t',
    'joe@example.org',
    ', ',
  ),
  maxLength: 40,
});

test('whatever can be read means the same when it is written and read again', () => {
  fc.assert(
    fc.property(nasty, (body) => {
      const addresses = parseAddressList(body);
      const field = formatted(body);
      expect(field === undefined).toBe(addresses === undefined);
      if (addresses === undefined || field === undefined) return;
      const again = field.slice('To:'.length, -1);
      expect(parseAddressList(again)?.filter(Boolean)).toEqual(addresses.filter(Boolean));
      expect(field.slice(0, -1)).not.toMatch(/\n[^ \t]/); // it is one field
    }),
    { numRuns: 20_000 },
  );
});

test('time grows with the text, not with its square, whatever it is', () => {
  const n = 300_000;
  const texts = [
    '('.repeat(n),
    '('.repeat(n) + ')'.repeat(n),
    `"${'\\"'.repeat(n)}`,
    'a '.repeat(n),
    'a.'.repeat(n),
    '@'.repeat(n),
    '<'.repeat(n),
    '>'.repeat(n),
    `${'g:a;'.repeat(n)}`,
    `${':'.repeat(n)};`,
    '\\'.repeat(n),
    '\r'.repeat(n),
    `${'@a,'.repeat(n)}:b@c`,
  ];
  const start = process.cpuUsage();
  for (const text of texts) formatted(text);
  const { user } = process.cpuUsage(start);
  // Some 3 s of CPU at most; a quadratic step anywhere takes minutes.
  expect(user / 1e6).toBeLessThan(40);
});

test('more tokens than are allowed are refused, not held', () => {
  expect(() => tokenize('a,'.repeat(1_500_001))).toThrow('out of memory');
});
