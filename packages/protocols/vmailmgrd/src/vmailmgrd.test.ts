import { textOf } from '@q/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRequest, encodeReply, encodeRequest, Malformed, requestLength } from './index.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const text = fc.uint8Array({ maxLength: 50 }).map(textOf);

test('a recorded request is read: command and arguments, each with its length', () => {
  const bytes = hex('02 0016 03 0005636865636b 0003646f6d 00026d65 0003707700');
  expect(requestLength(bytes)).toBe(bytes.length);
  expect(decodeRequest(bytes)).toEqual({ command: 'check', args: ['dom', 'me', 'pw\0'] });
});

test('what is encoded is decoded, whatever the bytes, and what follows means nothing', () => {
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 255 }), (command, args) => {
      const bytes = Buffer.concat([encodeRequest({ command, args }), Buffer.from('more')]);
      expect(decodeRequest(bytes)).toEqual({ command, args });
    }),
  );
});

test('no part of a request is taken for one', () => {
  const whole = encodeRequest({ command: 'check', args: ['dom', '', 'pw'] });
  for (let n = 0; n < whole.length; n++)
    expect(() => decodeRequest(whole.subarray(0, n))).toThrow(Malformed);
});

test('another version, and counts that do not fit, are malformed', () => {
  expect(() => requestLength(Buffer.from('GET /'))).toThrow(
    'Invalid protocol from client, aborting',
  );
  expect(requestLength(hex('02 00'))).toBeUndefined();
  for (const bad of [
    '02 0000',
    '02 0001 00',
    '02 0003 01 0000',
    '02 0003 00 0001',
    '02 0002 00 00',
  ])
    expect(() => decodeRequest(hex(bad))).toThrow(Malformed);
  expect(() => decodeRequest(hex('02 0005 00 0000 0000'))).toThrow('Wrong number of arguments');
});

test('bytes of a stranger are a request or Malformed, and never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        const { command, args } = decodeRequest(Buffer.from([2, 0, bytes.length & 0xff, ...bytes]));
        expect(`${command}${args.join('')}`.length).toBeLessThan(300);
      } catch (error) {
        expect(error).toBeInstanceOf(Malformed);
      }
    }),
  );
});

test('a reply has its code, its length and its text', () => {
  expect(encodeReply({ code: 0, text: Buffer.from('Deleted user.') }).toString('latin1')).toBe(
    '\0\0\rDeleted user.',
  );
  expect(() => encodeReply({ code: 0, text: Buffer.alloc(65_536) })).toThrow(RangeError);
});
