import { bytesOf } from '@q/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ENVELOPE_ADDRESS_MAX,
  ENVELOPE_EXIT,
  type Envelope,
  EnvelopeDecoder,
  encodeEnvelope,
} from './index.ts';

const address = fc
  .uint8Array({ maxLength: 30, min: 1 })
  .map((raw) => Buffer.from(raw).toString('latin1'));

function decode(chunks: Buffer[]): Envelope {
  const decoder = new EnvelopeDecoder();
  for (const chunk of chunks) decoder.push(chunk);
  return decoder.finish();
}

function cut(bytes: Buffer, places: number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

function exitOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return (error as { exitCode?: unknown }).exitCode;
  }
  return expect.fail('nothing was thrown');
}

test('an envelope decodes to what was encoded, in any chunks; each strict prefix is incomplete', () => {
  fc.assert(
    fc.property(address, fc.array(address), fc.array(fc.nat(400)), (sender, recipients, places) => {
      const bytes = encodeEnvelope(sender, recipients);
      expect(decode(cut(bytes, places))).toEqual({ sender, recipients });
      expect(decode([...bytes].map((byte) => Buffer.of(byte)))).toEqual({ sender, recipients });
      for (let end = 0; end < bytes.length; end++) {
        expect(exitOf(() => decode([bytes.subarray(0, end)]))).toBe(ENVELOPE_EXIT.incomplete);
      }
    }),
    { numRuns: 50 },
  );
});

test('no recipients and an empty sender are legal', () => {
  expect(decode([bytesOf('F\0\0')])).toEqual({ sender: '', recipients: [] });
  expect(encodeEnvelope('', [])).toEqual(bytesOf('F\0\0'));
});

test('1002 bytes are an address, 1003 are not, however they arrive', () => {
  const longest = 'x'.repeat(ENVELOPE_ADDRESS_MAX);
  const fits = bytesOf(`F${longest}\0T${longest}\0\0`);
  expect(decode(cut(fits, [500, 1003, 1700])).recipients).toEqual([longest]);
  for (const bytes of [bytesOf(`Fx${longest}\0\0`), bytesOf(`F\0Tx${longest}`)]) {
    expect(exitOf(() => decode([bytes]))).toBe(ENVELOPE_EXIT.tooLong);
    expect(exitOf(() => decode([...bytes].map((byte) => Buffer.of(byte))))).toBe(
      ENVELOPE_EXIT.tooLong,
    );
  }
  expect(exitOf(() => encodeEnvelope(`x${longest}`, []))).toBe(ENVELOPE_EXIT.tooLong);
});

test.each(['T\0\0', 'f\0\0', '\0', 'F\0X\0\0', 'Fa\0Tb\0Fc\0\0', 'F\0 T\0\0'])(
  '%j is not an envelope',
  (text) => {
    expect(exitOf(() => decode([bytesOf(text)]))).toBe(ENVELOPE_EXIT.format);
  },
);

test('what follows the end is left alone and counted', () => {
  const decoder = new EnvelopeDecoder();
  expect(decoder.push(bytesOf('Fa\0Tb\0'))).toBe(6);
  expect(decoder.done).toBe(false);
  expect(decoder.push(bytesOf('\0Tnext'))).toBe(1);
  expect(decoder.done).toBe(true);
  expect(decoder.push(bytesOf('more'))).toBe(0);
  expect(decoder.finish()).toEqual({ sender: 'a', recipients: ['b'] });
});

test('with an event for recipients none is kept', () => {
  const seen: string[] = [];
  const decoder = new EnvelopeDecoder({
    sender: (sender) => seen.push(`from ${sender}`),
    recipient: (recipient) => seen.push(`to ${recipient}`),
  });
  decoder.push(encodeEnvelope('a', ['b', 'c']));
  expect(seen).toEqual(['from a', 'to b', 'to c']);
  expect(decoder.finish()).toEqual({ sender: 'a', recipients: [] });
});

test('an address with a NUL cannot become two records', () => {
  expect(() => encodeEnvelope('a\0Tevil@example.org', [])).toThrow();
  expect(() => encodeEnvelope('a', ['b\0'])).toThrow();
  expect(() => encodeEnvelope('\u0100', [])).toThrow(RangeError);
});
