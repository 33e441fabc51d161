import { textOf } from '@q/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataDecoder, DataEncoder } from './index.ts';

/** Cuts bytes at the given places. */
function chunksOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

interface Outcome {
  readonly state: string;
  readonly data: string;
  /** What stands behind the end of the message. */
  readonly rest: string;
}

/** `inPlace`: into the chunks themselves, which are copies. */
function decode(given: readonly Buffer[], inPlace = false): Outcome {
  const decoder = new DataDecoder();
  const chunks = inPlace ? given.map((chunk) => Buffer.from(chunk)) : given;
  let data = '';
  for (const [i, chunk] of chunks.entries()) {
    const decoded = inPlace ? decoder.push(chunk, chunk) : decoder.push(chunk);
    data += textOf(decoded.data);
    if (decoded.state === 'more') {
      expect(decoded.consumed).toBe(chunk.length);
      continue;
    }
    const rest = Buffer.concat([chunk.subarray(decoded.consumed), ...chunks.slice(i + 1)]);
    return { state: decoded.state, data, rest: textOf(rest) };
  }
  return { state: 'more', data, rest: '' };
}

const bytesIn = (text: string) => Buffer.from(text, 'latin1');
const wire = (text: string) => decode([bytesIn(text)]);

/** Text that is rich in what matters here. */
const tricky = fc
  .array(fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '\r\n.\r\n', 'a', '\0', 'bc'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

/** qmail-smtpd's automaton, one byte at a time: the specification the fast decoder is held against. */
function specification(text: string): Outcome {
  let state: 'line' | 'start' | 'dot' | 'dot-cr' | 'cr' = 'start';
  let data = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    const rest = text.slice(i + 1);
    if (char === '\n') {
      if (state === 'dot-cr') return { state: 'end', data, rest };
      if (state !== 'cr') return { state: 'bare-lf', data, rest };
      data += '\n';
      state = 'start';
    } else if (state === 'start' && char === '.') state = 'dot';
    else if (char === '\r') {
      if (state === 'dot-cr') data += '.\r';
      if (state === 'cr') data += '\r';
      state = state === 'dot' ? 'dot-cr' : 'cr';
    } else {
      if (state === 'dot-cr') data += '.\r';
      if (state === 'cr') data += '\r';
      data += char;
      state = 'line';
    }
  }
  return { state: 'more', data, rest: '' };
}

test('any message without CRLF in it comes out of encoding and decoding as it went in', () => {
  fc.assert(
    fc.property(tricky, fc.array(fc.nat(200)), fc.array(fc.nat(200)), (text, cuts, wireCuts) => {
      const message = `${text}\n`.replaceAll(/\r+\n/g, '\n');
      const encoder = new DataEncoder();
      const parts = chunksOf(bytesIn(message), cuts).map((chunk) => encoder.push(chunk));
      expect(encoder.partialLine).toBe(false);
      const encoded = Buffer.concat([...parts, encoder.end()]);
      expect(decode(chunksOf(encoded, wireCuts))).toEqual({
        state: 'end',
        data: message,
        rest: '',
      });
    }),
    { numRuns: 2000 },
  );
});

test('decoding agrees with the automaton byte for byte, however the input is cut', () => {
  fc.assert(
    fc.property(tricky, fc.array(fc.nat(200)), (text, cuts) => {
      const expected = specification(text);
      const outcome = decode(chunksOf(bytesIn(text), cuts));
      expect({ state: outcome.state, rest: outcome.rest }).toEqual({
        state: expected.state,
        rest: expected.rest,
      });
      // At an error the bytes already passed on may be fewer: the message is thrown away.
      if (expected.state !== 'bare-lf') expect(outcome.data).toBe(expected.data);
    }),
    { numRuns: 5000 },
  );
});

test('decoding into the chunk itself gives the same, and leaves what stands behind the message', () => {
  fc.assert(
    fc.property(tricky, fc.array(fc.nat(200)), (text, cuts) => {
      const chunks = chunksOf(bytesIn(text), cuts);
      expect(decode(chunks, true)).toEqual(decode(chunks));
    }),
    { numRuns: 5000 },
  );
});

test('each strict prefix of a message is incomplete, never ended and never an error', () => {
  fc.assert(
    fc.property(tricky, (text) => {
      const encoder = new DataEncoder();
      const encoded = Buffer.concat([encoder.push(bytesIn(`${text}\n`)), encoder.end()]);
      for (let end = 0; end < encoded.length; end++) {
        expect(decode([encoded.subarray(0, end)]).state).toBe('more');
      }
    }),
  );
});

// The known ways to make two servers disagree about where a message ends. Each stands after a line
// and is followed by commands that must stay part of the message, or never be read at all.
const SMUGGLING: readonly [name: string, end: string, state: 'end' | 'bare-lf' | 'more'][] = [
  ['LF.LF', '\n.\n', 'bare-lf'],
  ['LF.CRLF', '\n.\r\n', 'bare-lf'],
  ['CRLF.LF', '\r\n.\n', 'bare-lf'],
  ['CRLF.CR', '\r\n.\r', 'more'],
  ['CR.CRLF', '\r.\r\n', 'more'],
  ['CR.CR', '\r.\r', 'more'],
  ['CR.LF', '\r.\n', 'bare-lf'],
  ['LF.CR', '\n.\r', 'bare-lf'],
  ['CRLF NUL.CRLF', '\r\n\0.\r\n', 'more'],
  ['CRLF.NUL CRLF', '\r\n.\0\r\n', 'more'],
  ['CRLF..CRLF', '\r\n..\r\n', 'more'],
  ['CRLF.CR CRLF', '\r\n.\r\r\n', 'more'],
  ['CRLF. SP CRLF', '\r\n. \r\n', 'more'],
  ['CRLF.CRLF, the only true end', '\r\n.\r\n', 'end'],
];

test.each(SMUGGLING)('smuggling by %s', (_name, end, state) => {
  const commands = 'MAIL FROM:<smuggled@example>\r\nRCPT TO:<victim@example>\r\n';
  const text = bytesIn(`Subject: x\r\n\r\nbody${end}${commands}`);
  for (const chunks of [[text], [...text].map((byte) => Buffer.of(byte))]) {
    const outcome = decode(chunks);
    expect(outcome.state).toBe(state);
    if (state === 'end') expect(outcome.rest).toBe(commands);
    if (state === 'more') expect(outcome.data).toContain('MAIL FROM:<smuggled@example>\n');
  }
});

test('the dot that ends a message at its very start, doubled dots, and bare CRs', () => {
  expect(wire('.\r\nQUIT\r\n')).toEqual({ state: 'end', data: '', rest: 'QUIT\r\n' });
  expect(wire('..\r\n...x\r\n.\r\n').data).toBe('.\n..x\n');
  expect(wire('a\rb\r\r\n\r\n.\r\n').data).toBe('a\rb\r\n\n');
  expect(wire('.\rx\r\n.\r\n').data).toBe('.\rx\n');
});

test('encoding leaves a CRLF alone, doubles dots at line starts only, and tells a partial last line', () => {
  const encoder = new DataEncoder();
  expect(textOf(encoder.push(bytesIn('.a.\n.\r\n..\nb\r')))).toBe('..a.\r\n..\r\n...\r\nb\r');
  expect(encoder.partialLine).toBe(true);
  expect(textOf(encoder.push(bytesIn('\n.')))).toBe('\n..');
  expect(encoder.partialLine).toBe(true);
  expect(textOf(encoder.push(bytesIn('\n')))).toBe('\r\n');
  expect(encoder.partialLine).toBe(false);
  expect(textOf(encoder.end())).toBe('.\r\n');
});

test('an empty message is not a partial line', () => {
  expect(new DataEncoder().partialLine).toBe(false);
});

test('fifty megabytes without a line end pass through a flat memory', () => {
  const decoder = new DataDecoder();
  const chunk = Buffer.alloc(65536, 'x');
  let total = 0;
  for (let i = 0; i < 800; i++) total += decoder.push(chunk).data.length;
  expect(total).toBe(800 * 65536);
});
