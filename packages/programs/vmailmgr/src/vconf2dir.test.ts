import { expect, test } from 'vitest';
import { parseConfiguration } from './vconf2dir.ts';

test('a line NAME = VALUE is a file; the aliases become lines; comments, blanks and other lines are left out', () => {
  const text =
    '# comment\n\nuser-dir=users\n default-expiry  =  -1 \npostmaster-aliases = root, postmaster,,x\nno setting\nuser-dir = later\n';
  expect([...parseConfiguration(text)]).toEqual([
    ['user-dir', 'later\n'],
    ['default-expiry', '-1\n'],
    ['postmaster-aliases', 'root\npostmaster\nx\n'],
  ]);
});

test('a name that could lead out of the directory is refused, and so is the whole file', () => {
  for (const name of ['../x', 'a/b', '.hidden', 'a b'])
    expect(() => parseConfiguration(`user-dir = x\n${name} = y\n`)).toThrow(
      'is no name of a setting',
    );
});
