import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyEncoder, parseCommand, parseNumber, parseNumbers, uidOf } from './index.ts';

/** What the encoder sends for a file that arrives in these chunks, all of it. */
function encode(chunks: readonly Buffer[], bodyLines?: number): string {
  const encoder = new BodyEncoder(bodyLines);
  const out: Buffer[] = [];
  for (const chunk of chunks) if (!encoder.done) out.push(encoder.push(chunk));
  return Buffer.concat([...out, encoder.finish()]).toString('latin1');
}

const whole = (text: string, bodyLines?: number) =>
  encode([Buffer.from(text, 'latin1')], bodyLines);

/** What a client makes of a multi-line reply: RFC 1939 section 3. */
function decode(wire: string): string {
  expect(wire.endsWith('\r\n.\r\n')).toBe(true);
  return wire
    .slice(0, -'.\r\n'.length)
    .split('\r\n')
    .map((line) => (line.startsWith('.') ? line.slice(1) : line))
    .join('\r\n');
}

/** Bytes in which the interesting ones are frequent, and lines both short and long. */
const mail = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom([10], [13], [46], [97]) },
      { weight: 2, arbitrary: fc.nat(255).map((byte) => [byte]) },
      fc.nat(40).map((length) => Array<number>(length).fill(98)),
    ),
    { maxLength: 60 },
  )
  .map((pieces) => Buffer.from(pieces.flat()));

test('a message becomes CRLF lines with first dots doubled, then qmail-pop3d’s empty line and the dot', () => {
  expect(whole('A: b\n\nx\n')).toBe('A: b\r\n\r\nx\r\n\r\n.\r\n');
  expect(whole('.\n..\n.\r\nlast')).toBe('..\r\n...\r\n..\r\nlast\r\n\r\n.\r\n');
  expect(whole('')).toBe('\r\n.\r\n');
  expect(whole('\0\xff\n')).toBe('\0\xff\r\n\r\n.\r\n');
});

test('a stored CRLF is one line end, and a CR anywhere else is a byte', () => {
  expect(whole('a\r\nb\rc\r\r\n\r')).toBe('a\r\nb\rc\r\r\n\r\n\r\n.\r\n');
});

test('what the client gets back is the file, whatever its bytes', () => {
  fc.assert(
    fc.property(mail, (bytes) => {
      const file = bytes.toString('latin1');
      const lines = file.replace(/\r?\n/g, '\r\n');
      const ended =
        lines === '' || lines.endsWith('\r\n') ? lines : `${lines.replace(/\r$/, '')}\r\n`;
      const got = decode(whole(file));
      // A last CR without LF cannot be told from the CR of a line end.
      expect(got).toBe(`${ended}\r\n`);
    }),
  );
});

test('no line of the reply but its end is a lone dot', () => {
  fc.assert(
    fc.property(mail, (bytes) => {
      const lines = encode([bytes]).split('\r\n');
      expect(lines.indexOf('.')).toBe(lines.length - 2);
    }),
  );
});

test('the chunks do not matter, byte by byte included', () => {
  fc.assert(
    fc.property(
      mail,
      fc.array(fc.nat(1000)),
      fc.option(fc.nat(3), { nil: undefined }),
      (bytes, cuts, bodyLines) => {
        const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort(
          (a, b) => a - b,
        );
        const chunks = [0, ...places].map((from, i) => bytes.subarray(from, places[i]));
        const expected = encode([bytes], bodyLines);
        expect(encode(chunks, bodyLines)).toBe(expected);
        expect(
          encode(
            [...bytes].map((byte) => Buffer.of(byte)),
            bodyLines,
          ),
        ).toBe(expected);
      },
    ),
  );
});

test('TOP sends the header, the empty line and so many lines, LF or CRLF stored', () => {
  const message = 'A: 1\nB: 2\n\none\n.two\nthree\n';
  expect(whole(message, 0)).toBe('A: 1\r\nB: 2\r\n\r\n\r\n.\r\n');
  expect(whole(message, 2)).toBe('A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n\r\n.\r\n');
  expect(whole(message, 99)).toBe(whole(message));
  expect(whole(message.replaceAll('\n', '\r\n'), 1)).toBe('A: 1\r\nB: 2\r\n\r\none\r\n\r\n.\r\n');
  expect(whole('A: header only\n', 0)).toBe('A: header only\r\n\r\n.\r\n');
});

test('the rest of a file need not be read once the lines are out', () => {
  const encoder = new BodyEncoder(1);
  encoder.push(Buffer.from('A: b\n\none\ntwo\n'));
  expect(encoder.done).toBe(true);
  expect(encoder.push(Buffer.from('three\n'))).toHaveLength(0);
});

test('a 10 MB line passes', () => {
  const line = Buffer.alloc(10_000_000, 46);
  expect(encode([line])).toHaveLength(10_000_001 + '\r\n\r\n.\r\n'.length);
});

test('a command is a verb in any case and an argument that keeps its spaces', () => {
  const parsed = (text: string) => parseCommand(Buffer.from(text, 'latin1'));
  expect(parsed('stat')).toEqual({ verb: 'STAT', argument: '' });
  expect(parsed('PaSS  a b ')).toEqual({ verb: 'PASS', argument: 'a b ' });
  expect(parsed('')).toEqual({ verb: '', argument: '' });
  expect(parsed('retr\xe4\t1')).toEqual({ verb: 'RETR\xe4\t1', argument: '' });
});

test('a number is digits and nothing else, and never wraps', () => {
  expect(['7', ' 007 '].map(parseNumber)).toEqual([7, 7]);
  for (const text of ['', '-1', '+1', '1x', '0x10', '1e3', '1 2', '\xb2'])
    expect(parseNumber(text)).toBeUndefined();
  expect(parseNumber('18446744073709551617')).toBeGreaterThan(4294967297);
  expect(parseNumber('9'.repeat(500))).toBe(Number.POSITIVE_INFINITY);
});

test('TOP’s numbers are at most two', () => {
  expect(parseNumbers('1  2 ')).toEqual([1, 2]);
  expect(parseNumbers('')).toEqual([]);
  expect(parseNumbers('1 -1')).toBeUndefined();
  expect(parseNumbers('1 2 3')).toBeUndefined();
});

test('a unique-id is the file name where a client can take it, else a stable hash', () => {
  expect(uidOf('1790000000.123.host,S=5')).toBe('1790000000.123.host,S=5');
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const name = Buffer.from(bytes).toString('latin1');
      expect(uidOf(name)).toMatch(/^[\x21-\x7e]{1,70}$/);
      expect(uidOf(name)).toBe(uidOf(name));
    }),
  );
  expect(uidOf('a'.repeat(71))).not.toBe(uidOf('a'.repeat(72)));
});
