import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ByteSource,
  bufferSource,
  type CrlfRangeOptions,
  crlfRange,
  crlfRangeSize,
  fileSource,
  type Message,
  type Span,
} from './index.ts';
import { CHECKPOINT_STEP } from './limits.ts';
import { cutAt, hostileBytes, parsedChunks, sent } from './testing/messages.ts';

async function read(
  source: ByteSource,
  message: Message,
  span: Span,
  options?: CrlfRangeOptions,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of crlfRange(source, message, span, options))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** The same bytes in pieces, through one buffer. */
function inPieces(bytes: Buffer, cuts: number[]): ByteSource {
  return function* (start, end) {
    const buffer = Buffer.alloc(bytes.length);
    for (const piece of cutAt(bytes.subarray(start, end), cuts)) {
      piece.copy(buffer);
      yield buffer.subarray(0, piece.length);
    }
  };
}

const wholeOf = ({ root }: Message): Span => ({
  ...root.header,
  end: root.body.end,
  crlfEnd: root.body.crlfEnd,
});

test('any part of any range is what the whole as sent has there', async () => {
  await fc.assert(
    fc.asyncProperty(
      hostileBytes,
      fc.array(fc.nat(500), { maxLength: 5 }),
      fc.option(fc.record({ offset: fc.nat(400), count: fc.nat(400) }), { nil: undefined }),
      async (bytes, cuts, partial) => {
        const message = parsedChunks([bytes]);
        for (const span of [wholeOf(message), message.root.header, message.root.body]) {
          const all = sent(bytes).subarray(span.crlfStart, span.crlfEnd);
          const expected =
            partial === undefined
              ? all
              : all.subarray(partial.offset, partial.offset + partial.count);
          const options = partial === undefined ? {} : { partial };
          expect(await read(inPieces(bytes, cuts), message, span, options)).toEqual(expected);
          expect(crlfRangeSize(span, partial)).toBe(expected.length);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a part far inside is read from the place before it, not from the beginning, wherever a CRLF is cut', async () => {
  // Lines of 7 bytes, so that the steps fall everywhere in them, and on the CR and the LF of some.
  const lines = ['abcdef\n', 'abcde\r\n', 'ab\rcde\n'];
  const body = Array.from({ length: CHECKPOINT_STEP }, (_, i) => lines[i % 3]).join('');
  const bytes = Buffer.from(`A: b\n\n${body}`);
  const message = parsedChunks(cutAt(bytes, [70_000, 300_000, CHECKPOINT_STEP * 2]));
  expect(message.checkpoints.length).toBe(Math.floor(bytes.length / CHECKPOINT_STEP));
  const all = sent(bytes);
  let readBytes = 0;
  const source: ByteSource = (start, end) => {
    readBytes += Math.min(end, start + CHECKPOINT_STEP) - start;
    return inPieces(bytes, [65_536])(start, end);
  };
  for (const place of [0, ...message.checkpoints]) {
    for (let near = -3; near <= 3; near++) {
      const offset = Math.max(0, place + near);
      readBytes = 0;
      const found = await read(source, message, wholeOf(message), {
        partial: { offset, count: 50 },
      });
      expect(found).toEqual(all.subarray(offset, offset + 50));
      expect(readBytes).toBeLessThanOrEqual(CHECKPOINT_STEP + 1);
    }
  }
});

test('where no LF is bare, a part is read from its own place on', async () => {
  const bytes = Buffer.from('A: b\r\n\r\n0123456789');
  const message = parsedChunks([bytes]);
  const asked: number[] = [];
  const source: ByteSource = (start, end) => {
    asked.push(start);
    return bufferSource(bytes)(start, end);
  };
  const found = await read(source, message, message.root.body, {
    partial: { offset: 4, count: 3 },
  });
  expect(found.toString()).toBe('456');
  expect(asked[0]).toBeGreaterThanOrEqual(message.root.body.start + 3);
});

test('a partial behind the end, and one of astronomic size, are empty or the rest', async () => {
  const bytes = Buffer.from('\nbody');
  const message = parsedChunks([bytes]);
  const body = message.root.body;
  for (const offset of [4, 5, 4294967295, Number.MAX_SAFE_INTEGER]) {
    expect(
      await read(bufferSource(bytes), message, body, { partial: { offset, count: 4294967295 } }),
    ).toHaveLength(0);
  }
  const rest = await read(bufferSource(bytes), message, body, {
    partial: { offset: 1, count: 4294967295 },
  });
  expect(rest.toString()).toBe('ody');
});

test('NULs go out as they are, or as 0x80 where no literal may have them', async () => {
  const bytes = Buffer.from('\na\0b\0');
  const message = parsedChunks([bytes]);
  const body = message.root.body;
  expect((await read(bufferSource(bytes), message, body)).toString('latin1')).toBe('a\0b\0');
  expect(
    (await read(bufferSource(bytes), message, body, { replaceNuls: true })).toString('latin1'),
  ).toBe('a\x80b\x80');
  expect(bytes.includes(0)).toBe(true);
});

test('a file is read in pieces, and one that became shorter is a fault, not fewer bytes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mime-'));
  const path = join(directory, 'message');
  const bytes = Buffer.from(`A: b\n\n${'line\n'.repeat(50_000)}`);
  writeFileSync(path, bytes);
  const fd = openSync(path, 'r');
  try {
    const message = parsedChunks([bytes]);
    expect(await read(fileSource(fd), message, wholeOf(message))).toEqual(sent(bytes));
    truncateSync(path, 100_000);
    await expect(read(fileSource(fd), message, wholeOf(message))).rejects.toThrow('shorter');
    await expect(read(() => [], message, wholeOf(message))).rejects.toThrow(RangeError);
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
});
