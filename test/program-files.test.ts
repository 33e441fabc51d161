// How programs are installed (scripts/build/program-file.mjs): a text and its code cache in lib beside them.

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyPrograms, DIST, openDirectory, removeInstance } from './lib/instance.ts';
import { run } from './lib/run.ts';

let top: string;
let programs: string;
let cache: string;

beforeEach(() => {
  top = openDirectory('program-files-');
  programs = copyPrograms(top);
  cache = join(programs, 'lib', inLib(/^qmail-inject-.*\.cache$/));
  mkdirSync(join(top, 'control'));
  writeFileSync(join(top, 'control/me'), 'host.example.net\n');
});
afterEach(() => removeInstance(top, []));

function inLib(name: RegExp): string {
  const found = readdirSync(join(programs, 'lib')).find((file) => name.test(file));
  if (found === undefined) throw new Error(`${name} is not in lib`);
  return found;
}

function inject() {
  return run(join(programs, 'qmail-inject'), ['-n', 'user@example.net'], {
    env: { PATH: process.env.PATH, QMAILHOME: top },
    input: 'Subject: a letter\n\ntext\n',
  });
}

test('this Node takes the code cache of every program', async () => {
  const asked = `
    const { readdirSync, readFileSync } = require('node:fs');
    const texts = readdirSync('.').filter((name) => name.endsWith('.cjs'));
    const refused = texts.filter((name) => new (require('node:vm').Script)(readFileSync(name, 'latin1'), {
      cachedData: readFileSync(name.replace(/cjs$/, 'cache')),
    }).cachedDataRejected);
    console.log(JSON.stringify({ texts: texts.length, refused }));`;
  const { out } = await run(process.execPath, ['-e', asked], { cwd: join(DIST, 'lib') });
  const { texts, refused } = JSON.parse(out.toString()) as { texts: number; refused: string[] };
  expect(refused).toEqual([]);
  // lmdb has one, too.
  const executables = readdirSync(DIST, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.includes('.'),
  );
  expect(texts).toBe(executables.length + 1);
});

test.each<[string, () => void]>([
  ['is not there', () => rmSync(cache)],
  ['is empty', () => truncateSync(cache)],
  ['was cut off', () => truncateSync(cache, 5000)],
  ['is no cache', () => writeFileSync(cache, Buffer.alloc(100_000, 'x'))],
  [
    'is of another text',
    () =>
      writeFileSync(cache, readFileSync(join(programs, 'lib', inLib(/^qmail-local-.*\.cache$/)))),
  ],
])('a program whose code cache %s works as ever', async (_, spoil) => {
  const whole = await inject();
  expect(whole.out.toString('latin1')).toContain('Subject: a letter\n');
  expect(whole.code).toBe(0);
  spoil();
  const ran = await inject();
  expect(ran).toMatchObject({ code: 0, err: '' });
  const stable = (text: Buffer) =>
    text.toString('latin1').replace(/^(Date|Message-ID|Received):.*\n/gm, '');
  expect(stable(ran.out)).toBe(stable(whole.out));
});

test('without its text a program says in one line what is missing', async () => {
  rmSync(join(programs, 'lib'), { recursive: true });
  const { code, err } = await inject();
  expect(code).toBe(111);
  expect(err).toMatch(/^[^\n]*qmail-inject: fatal: [^\n]*lib[^\n]*\n$/);
});

test('a program that is called by a link from another directory finds its text', async () => {
  const link = join(top, 'sendmail-like');
  symlinkSync(join(programs, 'qmail-inject'), link);
  const { code } = await run(link, ['-n', 'user@example.net'], {
    env: { PATH: process.env.PATH, QMAILHOME: top },
    input: 'Subject: a letter\n\ntext\n',
  });
  expect(code).toBe(0);
});
