import { bytesOf, textOf } from '@q/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeaderScanner } from './index.ts';
import { HEADER_LINE_KEPT } from './limits.ts';

interface Seen {
  readonly lines: string[];
  readonly hops: number;
  readonly headerBytes: number;
  readonly sawBody: boolean;
}

function scan(chunks: Buffer[]): Seen {
  const lines: string[] = [];
  const scanner = new HeaderScanner({ onLine: (line) => lines.push(textOf(line)) });
  const counter = new HeaderScanner();
  for (const chunk of chunks) {
    scanner.push(chunk);
    counter.push(chunk);
    expect(counter.hops).toBe(scanner.hops);
  }
  const sawBody = !scanner.inHeader;
  const { hops } = scanner;
  scanner.end();
  expect(scanner.hops).toBe(hops);
  expect(scanner.inHeader).toBe(false);
  return { lines, hops, headerBytes: scanner.headerBytes, sawBody };
}

function cut(bytes: Buffer, places: number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

test('a header ends at its first empty line, and the body is nobody’s header', () => {
  expect(scan([bytesOf('Subject: x\n folded\n\nReceived: body\n\n')])).toEqual({
    lines: ['Subject: x', ' folded'],
    hops: 0,
    headerBytes: 20,
    sawBody: true,
  });
  expect(scan([bytesOf('\nReceived: x\n')])).toMatchObject({ lines: [], hops: 0, headerBytes: 1 });
});

test('a message may end in its header, with or without the last LF, or be nothing', () => {
  expect(scan([bytesOf('A: b\nReceived: c')])).toEqual({
    lines: ['A: b', 'Received: c'],
    hops: 1,
    headerBytes: 16,
    sawBody: false,
  });
  expect(scan([bytesOf('A: b\n')])).toMatchObject({ lines: ['A: b'], sawBody: false });
  expect(scan([])).toMatchObject({ lines: [], hops: 0, headerBytes: 0 });
});

test('hops are lines that start with received or delivered in any case', () => {
  const lines = [
    'Received: a',
    'rEcEiVeD: b',
    'DELIVERED-TO: c',
    'delivered',
    'receivedness: d',
    ' Received: folded',
    'Receive: no',
    'Deliver: no',
    'X-Received: no',
    'd\x12livered: no',
    '\x52eceived: yes',
    '\x12eceived: no',
    'Receive',
    'R',
  ];
  expect(scan([bytesOf(`${lines.join('\n')}\n\n`)]).hops).toBe(6);
});

test('a bare CR line does not end the header', () => {
  expect(scan([bytesOf('A: b\n\r\nReceived: c\n\n')])).toMatchObject({ hops: 1, sawBody: true });
});

test('the answer does not depend on the chunks', () => {
  const line = fc.oneof(
    fc.constantFrom('Received: x', 'delivered-to: y', 'Rec', '', '\r', 'Subject: z', ' folded'),
    fc.uint8Array({ maxLength: 20 }).map((raw) => Buffer.from(raw).toString('latin1')),
    fc
      .constantFrom(HEADER_LINE_KEPT - 1, HEADER_LINE_KEPT, HEADER_LINE_KEPT + 1)
      .map((n) => 'd'.repeat(n)),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.array(fc.nat(9000)), (lines, places) => {
      const message = bytesOf(lines.join('\n'));
      const whole = scan([message]);
      expect(scan(cut(message, places))).toEqual(whole);
      expect(scan([...message].map((byte) => Buffer.of(byte)))).toEqual(whole);
      const end = `\n${textOf(message)}`.indexOf('\n\n');
      expect(whole.headerBytes).toBe(end < 0 ? message.length : end + 1);
    }),
    { numRuns: 60 },
  );
});

test('a line is handed over up to a bound, and says that it was longer', () => {
  const seen: [number, boolean][] = [];
  const scanner = new HeaderScanner({
    onLine: (line, overlong) => seen.push([line.length, overlong]),
  });
  scanner.push(Buffer.alloc(HEADER_LINE_KEPT, 'a'));
  scanner.push(bytesOf(`\n${'b'.repeat(HEADER_LINE_KEPT + 1)}\nc\n\n`));
  expect(seen).toEqual([
    [HEADER_LINE_KEPT, false],
    [HEADER_LINE_KEPT, true],
    [1, false],
  ]);
});

test('a header line of 100 MB is passed in bounded memory', () => {
  const chunk = Buffer.alloc(65536, 'x');
  const before = process.memoryUsage().arrayBuffers;
  let overlongs = 0;
  const scanner = new HeaderScanner({ onLine: (_, overlong) => (overlongs += overlong ? 1 : 0) });
  for (let sent = 0; sent < 100_000_000; sent += chunk.length) scanner.push(chunk);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
  scanner.push(bytesOf('\nReceived: x\n\n'));
  expect(overlongs).toBe(1);
  expect(scanner.hops).toBe(1);
  expect(scanner.headerBytes).toBeGreaterThan(100_000_000);
});

test('a million header lines and a large body go by quickly', () => {
  const flood = Buffer.from('Received: x\n'.repeat(100_000), 'latin1');
  const scanner = new HeaderScanner();
  const start = process.cpuUsage();
  for (let i = 0; i < 10; i++) scanner.push(flood);
  scanner.push(bytesOf('\n'));
  const body = Buffer.alloc(65536, '\n');
  for (let i = 0; i < 100_000; i++) scanner.push(body);
  // A second or so; a quadratic step anywhere takes minutes.
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(60);
  expect(scanner.hops).toBe(1_000_000);
});
