import { expect, test } from 'vitest';
import { parseFromLine, separatorFor } from './from-line.ts';

const DATE = 810_103_613; // Sun Sep 03 04:46:53 1995, in GMT

test.each([
  ['From ann@x.test Sun Sep 03 04:46:53 1995', 'ann@x.test', DATE],
  ['From ann@x.test  Sun Sep  3 04:46:53 1995', 'ann@x.test', DATE],
  ['From MAILER-DAEMON Sun Sep 03 04:46:53 1995', '', DATE],
  ['From XXX Sun Sep 03 04:46:53 1995', undefined, DATE],
  ['From "a b"@x Sun Sep 03 04:46 1995 ', '"a b"@x', DATE - 53],
  ['From ann@x.test Sun Sep 03 06:46:53 +0200 1995', 'ann@x.test', DATE],
  ['From ann@x.test Sun Sep 03 00:16:53 1995 -0430', 'ann@x.test', DATE],
  ['From ann@x.test Sun Sep 03 04:46:53 EST 1995', 'ann@x.test', DATE],
])('"%s" is a separator', (line, sender, date) => {
  expect(parseFromLine(line)).toEqual({ sender, date });
});

test.each([
  'From now on Sunday is a day of rest',
  'From ann@x.test',
  'From ann@x.test Sun Sep 03 04:46:53 95',
  'From: ann@x.test Sun Sep 03 04:46:53 1995',
  '>From ann@x.test Sun Sep 03 04:46:53 1995',
  'From ann@x.test Sun Sep 03 04:46:53 1995, she said',
])('"%s" is not', (line) => {
  expect(parseFromLine(line)).toBeUndefined();
});

test.each([
  ['Return-Path: <ann@x.test>\nX: y\n', 'ann@x.test'],
  ['Return-Path: <>\n', 'MAILER-DAEMON'],
  ['Return-Path: <"a\tb c"@x\xe9.test>\n', '"a-b-c"@x\xe9.test'],
  ['Return-Path: <ann@x.test>', 'XXX'], // no line
  ['return-path: <ann@x.test>\n', 'XXX'],
  ['X: y\nReturn-Path: <ann@x.test>\n', 'XXX'],
  [`Return-Path: <${'a'.repeat(5000)}>\n`, 'XXX'],
  ['', 'XXX'],
])('a message that begins "%s" is from %s', (start, sender) => {
  const line = separatorFor(Buffer.from(start, 'latin1'), DATE).toString('latin1');
  expect(line).toBe(`From ${sender} Sun Sep 03 04:46:53 1995\n`);
});
