import { encodeNetstring } from '@q/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Answer, AnswerDecoder, encodeAnswer, RequestDecoder } from './wire.ts';

interface Request {
  readonly pieces: readonly Uint8Array[];
  readonly envelope: Uint8Array;
}

const encode = ({ pieces, envelope }: Request) =>
  Buffer.concat([
    ...pieces.map((piece) => encodeNetstring(piece)),
    Buffer.from('0:,'),
    encodeNetstring(envelope),
  ]);

/** What the decoder makes of chunks: each request's message and envelope. */
function decode(decoder: RequestDecoder, chunks: Iterable<Uint8Array>) {
  const requests: { message: Buffer; envelope: Buffer }[] = [];
  let message: Uint8Array[] = [];
  let envelope: Uint8Array[] = [];
  for (const chunk of chunks)
    for (const event of decoder.push(chunk)) {
      if (event.kind === 'message') message.push(...event.pieces);
      if (event.kind === 'envelope') envelope.push(...event.pieces);
      if (event.kind === 'end-of-request') {
        requests.push({ message: Buffer.concat(message), envelope: Buffer.concat(envelope) });
        message = [];
        envelope = [];
      }
    }
  return requests;
}

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const requests = fc.array(
  fc.record({
    pieces: fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 4 }),
    envelope: fc.uint8Array({ maxLength: 40 }),
  }),
  { maxLength: 4 },
);

test('requests come out as they went in, whatever the chunks', () => {
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 60 }), (list, size) => {
      const decoder = new RequestDecoder();
      const decoded = decode(decoder, cut(Buffer.concat(list.map(encode)), size));
      expect(decoder.betweenRequests).toBe(true);
      expect(decoded).toEqual(
        list.map(({ pieces, envelope }) => ({
          message: Buffer.concat(pieces),
          envelope: Buffer.from(envelope),
        })),
      );
    }),
  );
});

test('every strict prefix of a request is incomplete, never wrong, and never a whole request', () => {
  const bytes = encode({ pieces: [Buffer.from('hello\n')], envelope: Buffer.from('Fa\0Tb\0\0') });
  for (let length = 1; length < bytes.length; length++) {
    const decoder = new RequestDecoder();
    expect(decode(decoder, [bytes.subarray(0, length)])).toEqual([]);
    expect(decoder.betweenRequests).toBe(false);
  }
});

test.each(['x', ':', '1:ab', '01:a,', '2147483648:', '-1:,', '1,a', ' 1:a,'])(
  'a request that begins %j is refused',
  (text) => {
    expect(() => new RequestDecoder().push(Buffer.from(text))).toThrow('netstring');
  },
);

test('answers come out as they went in, whatever the chunks', () => {
  const digits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
  const answer: fc.Arbitrary<Answer> = fc.oneof(
    fc.integer({ min: 1, max: 255 }).map((code) => ({ code })),
    fc.record({ code: fc.constant(0 as const), number: digits, qp: digits }),
  );
  fc.assert(
    fc.property(fc.array(answer), fc.integer({ min: 1, max: 20 }), (list, size) => {
      const decoded: Answer[] = [];
      const decoder = new AnswerDecoder((one) => decoded.push(one));
      for (const chunk of cut(Buffer.concat(list.map(encodeAnswer)), size)) decoder.push(chunk);
      expect(decoded).toEqual(list);
    }),
  );
});

test.each(['', '0', '0 1', '0 1 2 3', '0 x 1', '256', '007', '-1', `0 1 ${'9'.repeat(21)}`])(
  'an answer %j is refused: it is never taken for success',
  (text) => {
    const decoder = new AnswerDecoder(() => {
      throw new Error('taken');
    });
    expect(() => decoder.push(encodeNetstring(Buffer.from(text)))).toThrow('makes no sense');
  },
);
