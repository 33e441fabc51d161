import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_SENSE, parseCommand, type Reply, ReplyParser } from './index.ts';

function parse(text: string, size = text.length || 1): Reply[] {
  const parser = new ReplyParser();
  const replies: Reply[] = [];
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) {
    replies.push(...parser.push(bytes.subarray(at, at + size)));
  }
  return replies;
}

test('a reply ends with the first line that has no "-", and keeps all its lines', () => {
  expect(parse('220 mx\r\n250-mx\r\n250-SIZE 9\r\n250 8BITMIME\r\n')).toEqual([
    { code: 220, text: '220 mx\n' },
    { code: 250, text: '250-mx\n250-SIZE 9\n250 8BITMIME\n' },
  ]);
});

test('any chunking gives the same replies, and each strict prefix is incomplete', () => {
  const line = fc.tuple(
    fc.integer({ min: 200, max: 599 }),
    fc.constantFrom('-', ' '),
    fc.string({ unit: fc.constantFrom('a', ' ', '-', '5', '\r', '\0') }),
  );
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 1, max: 7 }), (lines, size) => {
      const text = `${lines.map(([code, sep, rest]) => `${code}${sep}${rest}\r\n`).join('')}354 end\r\n`;
      expect(parse(text, size)).toEqual(parse(text));
      expect(parse(text.slice(0, -1)).length).toBe(parse(text).length - 1);
    }),
  );
});

test('a bare code is a reply, NUL becomes "?", CR is dropped, the code of the first line counts', () => {
  expect(parse('250\r\n')).toEqual([{ code: 250, text: '250\n' }]);
  expect(parse('550-a\0b\r\n250 ok\r\n')).toEqual([{ code: 550, text: '550-a?b\n250 ok\n' }]);
});

test.each([
  'hello\r\n',
  '2x0 ok\r\n',
  '\r\n',
  '2500 ok\r\n',
  '999 ok\r\n',
  '050 ok\r\n',
  ' 250 ok\r\n',
])('%j never passes for consent', (text) => {
  expect(parse(text)[0]?.code).toBe(NO_SENSE);
});

test('a long reply is cut, an endless one is refused', () => {
  const long = `550-${'x'.repeat(10_000)}\r\n550 end\r\n`;
  const [reply] = parse(long, 100);
  expect(reply?.code).toBe(550);
  expect(reply?.text.length).toBe(5000);
  const parser = new ReplyParser();
  expect(() => {
    for (let i = 0; i < 100_000; i++) parser.push(Buffer.from('250-more and more\r\n'));
  }).toThrow('reply too long');
});

test('a command is a verb in any case and what follows its spaces', () => {
  expect(parseCommand(Buffer.from('mail  FROM:<A b> '))).toEqual({
    verb: 'MAIL',
    argument: 'FROM:<A b> ',
  });
  expect(parseCommand(Buffer.from('Quit'))).toEqual({ verb: 'QUIT', argument: '' });
  expect(parseCommand(Buffer.from(''))).toEqual({ verb: '', argument: '' });
  expect(parseCommand(Buffer.from('\xff\xe9 x', 'latin1')).verb).toBe('\xff\xe9');
});
