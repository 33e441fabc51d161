import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf } from '@q/bytes';
import { Permanent, Temporary } from '@q/fault';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import {
  DONE_MARK,
  decodeInfo,
  decodeIntd,
  encodeInfo,
  encodeIntd,
  encodeIntdHead,
  encodeRecipient,
  isMessageId,
  messageIdOf,
  OSSIFIED,
  QUEUE_ALARM,
  QueuePaths,
  type QueueRecord,
  RECORD_MAX,
  RecordDecoder,
  readRecords,
  SPLIT,
  splitOf,
} from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'queue-files-'));
afterAll(() => rmSync(dir, { recursive: true }));

const address = fc
  .uint8Array({ maxLength: 30, min: 1 })
  .map((raw) => Buffer.from(raw).toString('latin1'));

function cut(bytes: Buffer, places: number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

function records(chunks: Buffer[]): { seen: QueueRecord[]; atBoundary: boolean } {
  const decoder = new RecordDecoder();
  return { seen: chunks.flatMap((chunk) => decoder.push(chunk)), atBoundary: decoder.atBoundary };
}

test('a message is where its number says', () => {
  const paths = new QueuePaths('/q');
  expect(paths.mess('100')).toBe('/q/mess/8/100');
  expect(paths.messName('23')).toBe('0/23');
  expect(paths.info('24')).toBe('/q/info/1/24');
  expect(paths.local('24')).toBe('/q/local/1/24');
  expect(paths.remote('24')).toBe('/q/remote/1/24');
  expect([paths.intd('24'), paths.todo('24'), paths.bounce('24')]).toEqual([
    '/q/intd/24',
    '/q/todo/24',
    '/q/bounce/24',
  ]);
  expect(paths.pid('12.812090813.1')).toBe('/q/pid/12.812090813.1');
  expect(paths.lock('trigger')).toBe('/q/lock/trigger');
  expect(paths.directory('todo')).toBe('/q/todo');
  expect(paths.splitDirectory('mess', 22)).toBe('/q/mess/22');
});

test('64-bit inode numbers keep every digit', () => {
  const id = messageIdOf(2n ** 64n - 1n);
  expect(id).toBe('18446744073709551615');
  expect(splitOf(id)).toBe(Number((2n ** 64n - 1n) % 23n));
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (inode) => {
      expect(isMessageId(messageIdOf(inode))).toBe(true);
      expect(splitOf(messageIdOf(inode))).toBe(Number(inode % BigInt(SPLIT)));
    }),
  );
});

test.each(['', '.', '..', '../1', '1/2', '007', '1\n', '-1', '1e3', '0x1', ' 1', '1'.repeat(21)])(
  '%j is not a message number, and no path is made of it',
  (text) => {
    const paths = new QueuePaths('/q');
    expect(isMessageId(text)).toBe(false);
    expect(() => paths.mess(text)).toThrow(Permanent);
    expect(() => paths.intd(text)).toThrow(Permanent);
    expect(() => paths.todo(text)).toThrow(Permanent);
    expect(() => paths.bounce(text)).toThrow(Permanent);
    expect(() => splitOf(text)).toThrow(Permanent);
  },
);

test('a name in queue/pid cannot lead out of it', () => {
  const paths = new QueuePaths('/q');
  for (const name of ['', '..', '../x', '.x', 'a/b'])
    expect(() => paths.pid(name)).toThrow(Permanent);
});

test('nothing is collected while a qmail-queue may still be writing it', () => {
  expect(OSSIFIED).toBeGreaterThan(QUEUE_ALARM);
});

test('an intd file decodes to what was encoded; each strict prefix is damaged or has fewer recipients', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), address, fc.array(address), (uid, pid, sender, recipients) => {
      const envelope = { uid, pid: String(pid), sender, recipients };
      const bytes = encodeIntd(envelope);
      expect(decodeIntd(bytes)).toEqual(envelope);
      for (let end = 0; end < bytes.length; end++) {
        let decoded: { recipients: readonly string[] } | undefined;
        try {
          decoded = decodeIntd(bytes.subarray(0, end));
        } catch (error) {
          expect(error).toBeInstanceOf(Temporary);
        }
        if (decoded) expect(decoded.recipients.length).toBeLessThan(recipients.length);
      }
    }),
    { numRuns: 50 },
  );
});

test('the bytes are qmail’s', () => {
  expect(
    encodeIntd({ uid: 1000, pid: 123, sender: 'joe@example.org', recipients: ['ann', 'bob@x'] }),
  ).toEqual(bytesOf('u1000\0p123\0Fjoe@example.org\0Tann\0Tbob@x\0'));
  expect(encodeIntdHead({ uid: 0, pid: '9' })).toEqual(bytesOf('u0\0p9\0'));
  expect(encodeInfo('')).toEqual(bytesOf('F\0'));
  expect(encodeRecipient('joe@x')).toEqual(bytesOf('Tjoe@x\0'));
  expect(DONE_MARK).toEqual(bytesOf('D'));
  expect(decodeIntd(bytesOf('u0\0p18446744073709551615\0F\0')).pid).toBe('18446744073709551615');
});

test.each([
  '',
  'u1\0',
  'u1\0p1\0',
  'ux\0p1\0F\0',
  'u1\0p\0F\0',
  'p1\0u1\0F\0',
  'u1\0p1\0F\0X\0',
  'u1\0p1\0F\0\0',
  'u1\0p1\0Fa',
])('the todo file %j is damaged', (text) => {
  expect(() => decodeIntd(bytesOf(text))).toThrow(Temporary);
});

test('an info file is the sender', () => {
  fc.assert(
    fc.property(address, (sender) => {
      expect(decodeInfo(encodeInfo(sender))).toBe(sender);
    }),
  );
  for (const bad of ['', 'F', 'Fx', 'Tx\0', '\0'])
    expect(() => decodeInfo(bytesOf(bad))).toThrow(Temporary);
});

test('each record comes with the offset of its type byte, whatever the chunks', () => {
  const record = fc.tuple(fc.constantFrom('T', 'D', 'X'), address);
  fc.assert(
    fc.property(fc.array(record), address, fc.array(fc.nat(400)), (all, rest, places) => {
      const whole = bytesOf(all.map(([type, text]) => `${type}${text}\0`).join(''));
      const bytes = Buffer.concat([whole, bytesOf(rest)]);
      const { seen, atBoundary } = records(cut(bytes, places));
      expect(seen.map(({ type, text }) => [type, text])).toEqual(all);
      for (const { type, offset } of seen) expect(bytes[offset]).toBe(type.charCodeAt(0));
      expect(atBoundary).toBe(rest === '');
      expect(records([...bytes].map((byte) => Buffer.of(byte))).seen).toEqual(seen);
    }),
  );
});

test('a record without end is given up, not collected', () => {
  const fits = encodeRecipient('x'.repeat(RECORD_MAX - 1));
  expect(records(cut(fits, [5000, 10_000])).seen).toHaveLength(1);
  expect(() => records([encodeRecipient('x'.repeat(RECORD_MAX))])).toThrow(Temporary);
  expect(() => records([Buffer.alloc(RECORD_MAX, 'x'), Buffer.from('x')])).toThrow(Temporary);
});

test('an address cannot smuggle a record in', () => {
  expect(() => encodeRecipient('a\0Tb')).toThrow(RangeError);
  expect(() => encodeInfo('a\0')).toThrow(RangeError);
  expect(() => encodeIntd({ uid: 0, pid: 1, sender: '\0', recipients: [] })).toThrow(RangeError);
});

test('a file of a hundred thousand recipients is read record by record', async () => {
  const path = join(dir, 'remote');
  const count = 100_000;
  const text = Array.from({ length: count }, (_, i) => `T${i}@example.org\0`).join('');
  writeFileSync(path, `${text}Tunfinished`);
  const fd = openSync(path, 'r');
  let seen = 0;
  for await (const record of readRecords(fd)) {
    if (record.text !== `${seen}@example.org`) expect.fail(`record ${seen} is ${record.text}`);
    seen++;
  }
  expect(seen).toBe(count);
  for await (const record of readRecords(fd)) {
    expect(record).toEqual({ type: 'T', text: '0@example.org', offset: 0 });
    break;
  }
  closeSync(fd);
});
