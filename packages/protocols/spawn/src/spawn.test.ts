import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type DeliveryCommand,
  DeliveryDecoder,
  encodeDelivery,
  encodeReport,
  encodeSpawnLimit,
  FIELD_MAX,
  REFUSAL,
  REPORT_MAX,
  type Report,
  ReportDecoder,
  refusalOf,
  SPAWN_LIMIT,
} from './index.ts';

/** Latin1 text without NUL. */
const field = fc
  .uint8Array({ maxLength: 40 })
  .map((raw) => Buffer.from(raw.filter((byte) => byte !== 0)).toString('latin1'));

const command = fc.record({
  slot: fc.nat(255),
  message: field,
  sender: field,
  recipient: field,
});

function chunksOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

function decodeCommands(chunks: readonly Buffer[]) {
  const decoder = new DeliveryDecoder();
  const seen: DeliveryCommand[] = [];
  for (const chunk of chunks) decoder.push(chunk, (one) => seen.push(one));
  return { seen, atBoundary: decoder.atBoundary };
}

function decodeReports(chunks: readonly Buffer[]): Report[] {
  const decoder = new ReportDecoder();
  const seen: Report[] = [];
  for (const chunk of chunks) decoder.push(chunk, (one) => seen.push(one));
  return seen;
}

test('commands come out as they went in, whatever the chunks, and a prefix is only incomplete', () => {
  fc.assert(
    fc.property(fc.array(command), fc.array(fc.nat(600)), (commands, cuts) => {
      const stream = Buffer.concat(commands.map(encodeDelivery));
      const { seen, atBoundary } = decodeCommands(chunksOf(stream, cuts));
      expect(seen).toEqual(commands.map((one) => ({ ...one, overlong: false })));
      expect(atBoundary).toBe(true);
      if (stream.length === 0) return;
      const cut = decodeCommands([stream.subarray(0, stream.length - 1)]);
      expect(cut.seen.length).toBe(commands.length - 1);
      expect(cut.atBoundary).toBe(false);
    }),
  );
});

test('commands read byte by byte, slot 0 and empty sender included', () => {
  const stream = Buffer.from('\0' + '5/97\0\0a@b\0' + '\xff' + '1/1\0s@t\0r@u\0', 'latin1');
  expect(decodeCommands([...stream].map((byte) => Buffer.of(byte))).seen).toEqual([
    { slot: 0, message: '5/97', sender: '', recipient: 'a@b', overlong: false },
    { slot: 255, message: '1/1', sender: 's@t', recipient: 'r@u', overlong: false },
  ]);
});

test('a field without end is held to its bound, the command refused, the next one read', () => {
  const decoder = new DeliveryDecoder();
  const seen: DeliveryCommand[] = [];
  decoder.push(Buffer.from('\x01'), (one) => seen.push(one));
  for (let i = 0; i < 40; i++) decoder.push(Buffer.alloc(8192, 'x'), (one) => seen.push(one));
  decoder.push(Buffer.from('\0s\0r@h\0\x021/1\0s\0r@h\0', 'latin1'), (one) => seen.push(one));
  expect(seen.map((one) => [one.slot, one.message.length, one.overlong])).toEqual([
    [1, FIELD_MAX, true],
    [2, 3, false],
  ]);
  expect(refusalOf(seen[0] as DeliveryCommand, SPAWN_LIMIT, () => false)).toBe(REFUSAL.memory);
});

test('what cannot be a command cannot be sent', () => {
  const good = { slot: 1, message: '1/1', sender: '', recipient: 'a@b' };
  expect(() => encodeDelivery({ ...good, slot: 256 })).toThrow(RangeError);
  expect(() => encodeDelivery({ ...good, slot: -1 })).toThrow(RangeError);
  expect(() => encodeDelivery({ ...good, sender: 'a\0b' })).toThrow(RangeError);
  expect(() => encodeDelivery({ ...good, sender: '\u0100' })).toThrow(RangeError);
});

test.each<[string, Partial<DeliveryCommand>, string | undefined]>([
  ['a good one', {}, undefined],
  ['a slot beyond the limit', { slot: 120 }, REFUSAL.slotTooBig],
  ['a slot in use', { slot: 7 }, REFUSAL.slotInUse],
  ['letters in the message name', { message: '1/x' }, REFUSAL.messageNonnumeric],
  ['a name that begins with a slash', { message: '/1' }, REFUSAL.messageNonnumeric],
  ['a way out of queue/mess', { message: '../1' }, REFUSAL.messageNonnumeric],
  ['a name of 100 digits', { message: '1'.repeat(100) }, REFUSAL.messageTooLong],
  ['a name of 99 digits', { message: '1'.repeat(99) }, undefined],
  ['no name', { message: '' }, REFUSAL.messageTooShort],
  ['no host', { recipient: 'joe' }, REFUSAL.noHost],
])('spawner checks: %s', (_name, change, expected) => {
  const good = { slot: 3, message: '5/97', sender: 's', recipient: 'a@b', overlong: false };
  expect(refusalOf({ ...good, ...change }, SPAWN_LIMIT, (slot) => slot === 7)).toBe(expected);
});

test('reports come out as they went in, whatever the chunks', () => {
  const report = fc.record({ slot: fc.nat(255), text: field.filter((text) => text !== '') });
  fc.assert(
    fc.property(fc.array(report), fc.array(fc.nat(600)), (reports, cuts) => {
      const stream = Buffer.concat(reports.map(({ slot, text }) => encodeReport(slot, text)));
      expect(decodeReports(chunksOf(stream, cuts))).toEqual(reports);
      expect(decodeReports([...stream].map((byte) => Buffer.of(byte)))).toEqual(reports);
    }),
  );
});

test('a report of slot 0 ends at its second NUL; an empty report is a report', () => {
  expect(decodeReports([Buffer.from('\0Kok\0\0\0\x05\0', 'latin1')])).toEqual([
    { slot: 0, text: 'Kok' },
    { slot: 0, text: '' },
    { slot: 5, text: '' },
  ]);
});

test('a report without end is held to its bound, and the next one is read', () => {
  const decoder = new ReportDecoder();
  const seen: Report[] = [];
  decoder.push(Buffer.from('\x04Z', 'latin1'), (one) => seen.push(one));
  for (let i = 0; i < 50; i++) decoder.push(Buffer.alloc(1000, 'y'), (one) => seen.push(one));
  decoder.push(Buffer.from('\0\x02Kx\0', 'latin1'), (one) => seen.push(one));
  expect(seen.map((one) => [one.slot, one.text.length])).toEqual([
    [4, REPORT_MAX - 1],
    [2, 2],
  ]);
});

test('a report sent ends at its first NUL and is cut to what will be kept', () => {
  expect(encodeReport(1, 'Kfoo\0bar')).toEqual(Buffer.from('\x01Kfoo\0'));
  expect(encodeReport(1, `D${'z'.repeat(20000)}`).length).toBe(REPORT_MAX + 1);
  expect(encodeReport(1, 'Kfoo\u0100bar')).toEqual(Buffer.from('\x01Kfoo?bar\0'));
  expect(encodeSpawnLimit()).toEqual(Buffer.of(120));
  expect(() => encodeSpawnLimit(256)).toThrow(RangeError);
  expect(() => encodeReport(256, 'K')).toThrow(RangeError);
});
