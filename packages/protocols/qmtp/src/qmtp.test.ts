import { bytesOf, textOf } from '@q/bytes';
import { Permanent, Temporary } from '@q/fault';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  AnswerDecoder,
  answerLetter,
  BrokenOff,
  type ByteInput,
  CrlfDecoder,
  encodeAnswer,
  NetstringReader,
  type Payload,
  qmqpRequest,
  qmtpHead,
  qmtpTail,
} from './index.ts';

/** An input that gives `text` in pieces of so many bytes. */
function inputOf(text: string, step = text.length): ByteInput {
  let rest = bytesOf(text);
  return {
    async read() {
      if (rest.length === 0) return undefined;
      const piece = rest.subarray(0, step);
      rest = rest.subarray(step);
      return piece;
    },
  };
}

/** All fields of a QMTP message, read from pieces of so many bytes. */
async function qmtpFields(text: string, step: number): Promise<string[]> {
  const reader = new NetstringReader(inputOf(text, step));
  const content = await (await reader.next(1000))?.text(1000);
  const sender = await (await reader.next(1000))?.text(1000);
  const list = await reader.next(1000);
  const fields = [content ?? '', sender ?? ''];
  if (list === undefined) return fields;
  const recipients = new NetstringReader(list);
  for (let one = await recipients.next(1000); one !== undefined; one = await recipients.next(1000))
    fields.push((await one.text(1000)) ?? '');
  expect(await reader.next(1000)).toBeUndefined();
  return fields;
}

test('a request comes out of the reader as it went into the encoder, however it is cut', async () => {
  const request = textOf(
    Buffer.concat([qmtpHead(5), bytesOf('body\n'), qmtpTail('a@b', ['c@d', '', '\xe9'])]),
  );
  expect(request).toBe('6:\nbody\n,3:a@b,13:3:c@d,0:,1:\xe9,,');
  for (let step = 1; step <= request.length; step++)
    expect(await qmtpFields(request, step)).toEqual(['\nbody\n', 'a@b', 'c@d', '', '\xe9']);
});

test('a QMQP request says its whole length first', async () => {
  const { head, tail, length } = qmqpRequest(5, bytesOf('3:a@b,3:c@d,'));
  const request = `${textOf(head)}body\n${textOf(tail)}`;
  expect(request).toBe('20:5:body\n,3:a@b,3:c@d,,');
  expect(length).toBe(20);
  const reader = new NetstringReader(inputOf(request, 3));
  const inner = new NetstringReader((await reader.next(1000)) as Payload);
  expect(await (await inner.next(5))?.text(5)).toBe('body\n');
});

test('what is not read of a netstring is passed over, and a text that is too long too', async () => {
  const reader = new NetstringReader(inputOf('12:3:abc,3:def,,4:next,1:x,', 2));
  const outer = await reader.next(99);
  const inner = new NetstringReader(outer as Payload);
  expect((await inner.next(99))?.length).toBe(3);
  expect(await (await reader.next(99))?.text(3)).toBeUndefined();
  expect(await (await reader.next(99))?.text(3)).toBe('x');
});

test.each([
  ['a length with a zero in front', '03:abc,'],
  ['a length of nothing', ':abc,'],
  ['a negative length', '-1:,'],
  ['a blank before the length', ' 3:abc,'],
  ['a length in hexadecimal', '0x3:abc,'],
  ['a missing comma', '3:abcd'],
  ['a NUL for the length', '\0:,'],
  ['SMTP', 'EHLO me\r\n'],
])('%s is no netstring', async (_, text) => {
  const reading = new NetstringReader(inputOf(text, 1))
    .next(99)
    .then((payload) => payload?.text(99));
  await expect(reading).rejects.toBeInstanceOf(Permanent);
});

test('a huge length is refused as soon as it is too large, before its end is seen', async () => {
  const digits: ByteInput = { read: async () => bytesOf('9'.repeat(100)) };
  await expect(new NetstringReader(digits).next(200_000_000)).rejects.toBeInstanceOf(Temporary);
  await expect(new NetstringReader(inputOf('200000001:')).next(200_000_000)).rejects.toThrow(
    'longer than 200000000',
  );
  expect((await new NetstringReader(inputOf('200000000:')).next(200_000_000))?.length).toBe(2e8);
});

test('an inner netstring cannot reach beyond the one around it', async () => {
  const outer = await new NetstringReader(inputOf('5:9:abc,XXXXXXX,')).next(99);
  const inner = await new NetstringReader(outer as Payload).next(99);
  await expect(inner?.text(99)).rejects.toThrow('beyond the one around it');
});

test('each proper prefix of a request is broken off, and the whole of it is not', async () => {
  const request = '6:\nbody\n,3:a@b,6:3:c@d,,';
  for (let end = 1; end < request.length; end++) {
    const reader = new NetstringReader(inputOf(request.slice(0, end), 4));
    const all = async () => {
      for (let n = 0; n < 3; n++) {
        const payload = await reader.next(99);
        if (payload === undefined) throw new BrokenOff();
        await payload.text(99);
      }
    };
    await expect(all()).rejects.toBeInstanceOf(BrokenOff);
  }
});

test('CR LF becomes LF, any other CR and LF stays, wherever the chunks are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('\r', '\n', 'a', '\0'), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      (letters, step) => {
        const text = letters.join('');
        const decoder = new CrlfDecoder();
        const out: Buffer[] = [];
        for (let at = 0; at < text.length; at += step)
          out.push(decoder.push(bytesOf(text.slice(at, at + step))));
        out.push(decoder.end());
        expect(textOf(Buffer.concat(out))).toBe(text.replaceAll('\r\n', '\n'));
      },
    ),
  );
});

test('answers are read one by one, and what is no letter of theirs means "not now"', () => {
  const heard: string[] = [];
  const decoder = new AnswerDecoder(20, (answer) => heard.push(answer));
  for (const byte of [
    ...encodeAnswer('Kok 1 qp 2'),
    ...encodeAnswer('Dno\0way'),
    ...bytesOf('0:,'),
  ])
    decoder.push(Buffer.of(byte));
  expect(heard).toEqual(['Kok 1 qp 2', 'Dno?way', '']);
  expect(heard.map(answerLetter)).toEqual(['K', 'D', 'Z']);
  expect(() => decoder.push(bytesOf('21:'))).toThrow(Permanent);
});
