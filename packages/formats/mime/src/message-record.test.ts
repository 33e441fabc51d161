import { crc32 } from 'node:zlib';
import { Permanent } from '@q/fault';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from './index.ts';
import { CHECKPOINT_STEP, DEPTH_MAX } from './limits.ts';
import { hostileBytes, parsed, parsedChunks } from './testing/messages.ts';

test('a message comes back from its record as it was', () => {
  fc.assert(
    fc.property(hostileBytes, (bytes) => {
      const message = parsedChunks([bytes]);
      expect(decodeMessage(encodeMessage(message))).toEqual(message);
    }),
    { numRuns: 500 },
  );
});

test('so does one that is large, deep, or has every field', () => {
  const deep = 'Content-Type: message/rfc822\nTo: a@b\n\n'.repeat(DEPTH_MAX * 2);
  const wide = `Content-Type: multipart/mixed; boundary=x\n\n${'--x\nContent-Type: a/b; c=d\n\n\n'.repeat(2000)}--x--\n`;
  const long = `A: b\n\n${'line\n'.repeat(CHECKPOINT_STEP)}`;
  const full =
    'From: A <a@b>\nSender: <@r:c@d>\nReply-To: A <a@b>\nTo: G: x@y;\nCc: \xe9@z\nBcc: b\nSubject:\nDate: d\nMessage-ID: <i@j>\n' +
    'In-Reply-To: <k@l>\nReferences: <m@n> <o@p>\nContent-Type: text/plain; charset="\xff\\""\nContent-ID: i\nContent-MD5: m\n' +
    'Content-Description: d\nContent-Location: l\nContent-Language: a, b\nContent-Disposition: inline; filename=f\n\n\0';
  for (const text of [deep, wide, long, full, '']) {
    const message = parsed(text);
    const record = encodeMessage(message);
    const back = decodeMessage(record);
    expect(back).toEqual(message);
    expect(Object.keys(back.root)).toEqual(expect.arrayContaining(Object.keys(message.root)));
  }
  const { envelope } = decodeMessage(encodeMessage(parsed('From: a@b\n\n'))).root;
  expect(envelope?.sender).toBe(envelope?.from);
});

test('an ordinary message takes a few hundred bytes', () => {
  const message = parsed(
    'From: Joe <joe@example.org>\nTo: ann@example.com\nSubject: hello\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <1@example.org>\n' +
      `Content-Type: multipart/alternative; boundary=x\n\n--x\n\n${'text\n'.repeat(500)}--x\nContent-Type: text/html; charset=utf-8\n\nhtml\n--x--\n`,
  );
  expect(encodeMessage(message).length).toBeLessThan(300);
});

/** A record with any payload, and the right version and checksum. */
function recordOf(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt32BE(crc32(payload), 1);
  return Buffer.concat([head, payload]);
}

test('each beginning of a record, and each with a bit turned, is refused', () => {
  const record = encodeMessage(
    parsed('From: A <a@b>\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--'),
  );
  for (let end = 0; end < record.length; end++) {
    expect(() => decodeMessage(record.subarray(0, end))).toThrow(Permanent);
  }
  for (let bit = 0; bit < record.length * 8; bit++) {
    const turned = Buffer.from(record);
    turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => decodeMessage(turned)).toThrow(Permanent);
  }
  expect(() => decodeMessage(Buffer.concat([record, Buffer.of(0)]))).toThrow(Permanent);
});

/** Reads a payload whose checksum is right: what comes out is a message whose record says the same, or a Permanent. */
function readPayload(payload: Uint8Array): void {
  let message: ReturnType<typeof decodeMessage>;
  try {
    message = decodeMessage(recordOf(payload));
  } catch (error) {
    expect(error).toBeInstanceOf(Permanent);
    return;
  }
  expect(decodeMessage(encodeMessage(message))).toEqual(message);
}

test('any payload is a message or refused, never another fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => readPayload(payload)),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(
      hostileBytes,
      fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 4 }),
      (bytes, changes) => {
        const payload = Buffer.from(encodeMessage(parsedChunks([bytes])).subarray(5));
        for (const [at, value] of changes) payload[at % payload.length] = value;
        readPayload(payload);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a payload that promises more than it has, or nests without end, is refused', () => {
  const numbers = Buffer.alloc(64, 0xff);
  const nested = Buffer.alloc(20_000, 2); // a message in a message in a message...
  for (const payload of [
    numbers,
    nested,
    Buffer.concat([Buffer.of(0), nested]),
    Buffer.concat([Buffer.of(0, 1), numbers]),
  ]) {
    expect(() => decodeMessage(recordOf(payload))).toThrow(Permanent);
  }
});
