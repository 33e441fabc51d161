import { expect, test } from 'vitest';
import { LogLines, type Piece, PRIORITY } from './log-lines.ts';

function pieces(text: string, step = text.length): Piece[] {
  const lines = new LogLines(() => 1_234_567_890_123);
  const given: Piece[] = [];
  for (let at = 0; at < text.length; at += step)
    lines.push(Buffer.from(text.slice(at, at + step), 'latin1'), (piece) => given.push(piece));
  lines.end((piece) => given.push(piece));
  return given;
}

const STAMP = '1234567890.123000';

test('a line has its time before it, and its priority by its first word', () => {
  expect(pieces('new msg 5\nalert: out of memory\nwarning: trouble\n alert: no\n')).toEqual([
    { priority: PRIORITY.info, text: `${STAMP} new msg 5` },
    { priority: PRIORITY.alert, text: `${STAMP} alert: out of memory` },
    { priority: PRIORITY.warning, text: `${STAMP} warning: trouble` },
    { priority: PRIORITY.info, text: `${STAMP}  alert: no` },
  ]);
});

test('a line of more than 799 bytes goes on in further pieces of the same time and priority', () => {
  const long = `warning: ${'x'.repeat(2000)}`;
  for (const step of [1, 500, 5000]) {
    expect(pieces(`${long}\nnext\n`, step)).toEqual([
      { priority: PRIORITY.warning, text: `${STAMP} ${long.slice(0, 799)}` },
      { priority: PRIORITY.warning, text: `${STAMP}+${long.slice(799, 1598)}` },
      { priority: PRIORITY.warning, text: `${STAMP}+${long.slice(1598)}` },
      { priority: PRIORITY.info, text: `${STAMP} next` },
    ]);
  }
  expect(pieces(`${'x'.repeat(799)}\n`)).toHaveLength(1);
});

test('bytes that are not printable cannot forge a line, and an empty line is none', () => {
  expect(pieces('\n\na\rb\tc\0d\x7f\xe9\x1b[2J\n\n').map(({ text }) => text)).toEqual([
    `${STAMP} a?b?c?d???[2J`,
  ]);
});

test('a last line without its end is not lost', () => {
  expect(pieces('half').map(({ text }) => text)).toEqual([`${STAMP} half`]);
});
