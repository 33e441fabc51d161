import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';
import type { ProgramSpec } from './run.ts';

const spec: ProgramSpec = {
  name: 'demo',
  summary: 'a demo',
  synopsis: '[options] user',
  max: Number.POSITIVE_INFINITY,
  usageExit: 1,
  options: {
    'no-mailbox': { alias: 'D', type: 'boolean', describe: 'without' },
    forward: { alias: 'f', type: 'string', array: true, describe: 'to' },
    hardquota: { alias: 'Q', type: 'string', describe: 'bytes' },
    n: { type: 'boolean', describe: 'only describe' },
  },
};

test('options stop at the first positional, so that a following program keeps its own', async () => {
  expect(await parseOptions(spec, ['-n', 'host', 'checker', '-D', '--forward', 'x'], '1')).toEqual({
    args: ['host', 'checker', '-D', '--forward', 'x'],
    options: { n: true },
  });
});

test('short options group, values are glued or next, long ones take = or the next word, -- ends them', async () => {
  expect(
    await parseOptions(
      spec,
      ['-Df', 'a@b', '-fc@d', '--forward=e', '--hardquota', '-1', '--', '-user'],
      '1',
    ),
  ).toEqual({
    args: ['-user'],
    options: { 'no-mailbox': true, forward: ['a@b', 'c@d', 'e'], hardquota: '-1' },
  });
});

test('a lone - is an argument, or ends the options where a program says so', async () => {
  const words = ['-D', '-', '-user'];
  expect(await parseOptions(spec, words, '1')).toMatchObject({ args: ['-', '-user'] });
  expect(await parseOptions({ ...spec, dashEnds: true }, words, '1')).toEqual({
    args: ['-user'],
    options: { 'no-mailbox': true },
  });
  const value = ['-Q', '-', '--', '-'];
  expect(await parseOptions({ ...spec, dashEnds: true }, value, '1')).toEqual({
    args: ['-'],
    options: { hardquota: '-' },
  });
});

test('an unknown option is one line on stderr and the usage exit code', async () => {
  const outcome = await parseOptions(spec, ['--nonsense', 'x'], '1');
  expect(outcome).toEqual({ exit: 1 });
});
