import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MboxrdEncoder } from '@q/message';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LinePieces } from './line-pieces.ts';
import { MboxDecoder, type Quoting } from './mbox-decoder.ts';
import { type MboxMessage, readMbox } from './mbox-reader.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mbox-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function messagesOf(content: string): Promise<(MboxMessage & { text: string })[]> {
  const path = join(dir, 'mbox');
  writeFileSync(path, content, 'latin1');
  const fd = openSync(path, 'r');
  try {
    const messages: (MboxMessage & { text: string })[] = [];
    for await (const message of readMbox(fd))
      messages.push({ ...message, text: content.slice(message.start, message.end) });
    return messages;
  } finally {
    closeSync(fd);
  }
}

const FROM = 'From ann@x.test Sun Sep 03 04:46:53 1995\n';

describe('readMbox', () => {
  test('finds each message, without its From line and the empty line at its end', async () => {
    const texts = async (content: string) => (await messagesOf(content)).map(({ text }) => text);
    expect(await texts('')).toEqual([]);
    expect(await texts(FROM)).toEqual(['']);
    expect(await texts(`${FROM}\n`)).toEqual(['']);
    expect(await texts(`${FROM}A: b\n\n\n\n${FROM}C: d\n\nx`)).toEqual(['A: b\n\n\n', 'C: d\n\nx']);
    // Written without the empty line; and a line that only looks like a separator.
    expect(await texts(`${FROM}A: b\n\nFrom now on\n\nFrom here\n${FROM}C: d\n`)).toEqual([
      'A: b\n\nFrom now on\n\nFrom here\n',
      'C: d\n',
    ]);
  });

  test('a long line in between, or as the first, is no trouble', async () => {
    const long = 'x'.repeat(200_000);
    const [first, second] = await messagesOf(
      `${FROM}A: ${long}\nStatus: R\n\n${long}\n\n${FROM}B: c\n`,
    );
    expect(first).toMatchObject({ flags: 'S' });
    expect(second?.text).toBe('B: c\n');
    await expect(messagesOf(`From ${long}`)).rejects.toThrow('not an mbox file');
    await expect(messagesOf('Subject: x\n')).rejects.toThrow('not an mbox file');
  });

  test.each([
    ['Subject: x\n', '', false],
    ['Status: \n', '', false],
    ['Status: O\n', '', true],
    ['Status: RO\n', 'S', true],
    ['X-Status: A\nSTATUS : R\n', 'RS', true],
    ['X-Status: DFAT\n', 'DFRT', false],
    ['X: y\n\nStatus: RO\n', '', false],
  ])('"%s" has the flags "%s"', async (header, flags, old) => {
    expect(await messagesOf(`${FROM}${header}\n\n`)).toMatchObject([{ flags, old }]);
  });

  test('knows whether a message has a Return-Path of its own', async () => {
    const content = `${FROM}X: y\nreturn-path: <>\n\n${FROM}X: y\n\nReturn-Path: <>\n`;
    const messages = await messagesOf(content);
    expect(messages.map(({ hasReturnPath }) => hasReturnPath)).toEqual([true, false]);
  });
});

function decode(text: string, quoting: Quoting, sizes: readonly number[] = [text.length]): string {
  const decoder = new MboxDecoder(quoting);
  const bytes = Buffer.from(text, 'latin1');
  let out = '';
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % Math.max(1, sizes.length)] ?? 1);
    out += decoder.push(Buffer.from(bytes.subarray(at, at + size))).toString('latin1');
    at += size;
  }
  return out + decoder.finish().toString('latin1');
}

describe('MboxDecoder', () => {
  test.each([
    [
      '>From a\n>>From b\n>from c\n> From d\n',
      'From a\n>From b\n>from c\n> From d\n',
      'From a\n>>From b\n>from c\n> From d\n',
    ],
    ['>From unfinished', 'From unfinished', 'From unfinished'],
    [
      'A: b\nStatus: RO\n more\nX-Status: A\nC: d\n\nStatus: R\n',
      'A: b\nC: d\n\nStatus: R\n',
      'A: b\nC: d\n\nStatus: R\n',
    ],
    ['Status: RO\n\nx', '\nx', '\nx'],
  ])('%j is read as it was meant, by each rule', (text, mboxrd, mboxo) => {
    expect(decode(text, 'mboxrd')).toBe(mboxrd);
    expect(decode(text, 'mboxo')).toBe(mboxo);
    expect(decode(text, 'mboxrd', [1])).toBe(mboxrd);
  });

  test('gives back what was encoded, whatever the chunks', () => {
    const piece = fc.constantFrom('From ', '>', '\n', 'x', 'Fro', ' ', '\xff\0', 'y'.repeat(5000));
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.integer({ min: 1, max: 6000 })), (parts, sizes) => {
        const text = `X: y\n\n${parts.join('')}\n`;
        const encoder = new MboxrdEncoder();
        const encoded = Buffer.concat([
          ...encoder.push(Buffer.from(text, 'latin1')).map((part) => Buffer.from(part)),
          encoder.finish(),
        ]).toString('latin1');
        expect(decode(encoded.slice(0, -1), 'mboxrd', sizes)).toBe(text);
      }),
    );
  });
});

test('LinePieces gives every byte once, and enough of each line to know it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', '\n', 'From ', 'z'.repeat(4200))),
      fc.integer({ min: 1, max: 5000 }),
      (parts, size) => {
        const text = parts.join('');
        const lines = new LinePieces();
        const pieces = [];
        const copy = ({ bytes, ...rest }: { bytes: Buffer; first: boolean; last: boolean }) => ({
          ...rest,
          text: bytes.toString(),
        });
        for (let at = 0; at < text.length; at += size)
          pieces.push(...lines.push(Buffer.from(text.slice(at, at + size))).map(copy));
        pieces.push(...lines.finish().map(copy));
        expect(pieces.map((piece) => piece.text).join('')).toBe(text);
        const starts = pieces.filter(({ first }) => first);
        expect(starts).toHaveLength(
          text.split('\n').length - (text === '' || text.endsWith('\n') ? 1 : 0),
        );
        for (const { text: start, last } of starts) expect(last || start.length >= 4096).toBe(true);
      },
    ),
  );
});
