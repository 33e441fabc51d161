import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Cleaner } from './clean.ts';
import { buildPrograms, Instance } from './testing/instance.ts';

let instance: Instance;
let bin: string;
const NOW = 1_800_000_000;

beforeAll(async () => {
  instance = new Instance();
  bin = await buildPrograms(['qmail-clean']);
});
afterAll(async () => {
  await instance.remove();
  await rm(bin, { recursive: true, force: true });
});
beforeEach(() => {
  for (const name of readdirSync(instance.paths.directory('pid'))) rmSync(instance.paths.pid(name));
});

const cleaner = () => new Cleaner(instance.paths, () => NOW);
const ask = (text: string) => cleaner().push(Buffer.from(text, 'latin1'));

function make(...paths: string[]): void {
  for (const path of paths) writeFileSync(path, '');
}

test('foop removes intd and mess, todo removes intd and todo; what is gone counts as removed', () => {
  const { paths } = instance;
  make(paths.intd('46'), paths.mess('46'), paths.todo('46'));
  expect(ask('todo/46\0')).toBe('+');
  expect([paths.intd('46'), paths.todo('46')].some((path) => existsSync(path))).toBe(false);
  expect(existsSync(paths.mess('46'))).toBe(true);
  expect(ask('foop/46\0')).toBe('+');
  expect(existsSync(paths.mess('46'))).toBe(false);
  expect(ask('foop/46\0')).toBe('+');
});

test('what cannot be unlinked is answered with !, and the second file stays', () => {
  const { paths } = instance;
  mkdirSync(paths.intd('92'));
  make(paths.mess('92'));
  expect(ask('foop/92\0')).toBe('!');
  expect(existsSync(paths.mess('92'))).toBe(true);
  rmSync(paths.intd('92'), { recursive: true });
});

test.each([
  'foop/\0',
  'foop/x\0',
  'foop/1x\0',
  'foop/-1\0',
  'foop/../1\0',
  'poof/11\0',
  'foop11\0',
  '\0',
  `foop/${'1'.repeat(95)}\0`,
  `foop/${'1'.repeat(10_000)}\0`,
])('%j is no request', (request) => {
  expect(ask(request)).toBe('x');
});

test('requests may follow each other and be cut anywhere; garbage does not shift what comes after it', () => {
  const request = fc.oneof(
    fc.constant(['todo/11', '+'] as const),
    fc.constant(['foop/11', '+'] as const),
    fc
      .uint8Array({ maxLength: 150 })
      .map(
        (raw) => [`#${Buffer.from(raw.filter((byte) => byte)).toString('latin1')}`, 'x'] as const,
      ),
  );
  fc.assert(
    fc.property(fc.array(request), fc.array(fc.nat(999)), (requests, cuts) => {
      const stream = Buffer.from(requests.map(([text]) => `${text}\0`).join(''), 'latin1');
      const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort(
        (a, b) => a - b,
      );
      const one = cleaner();
      const answers = [0, ...places].map((from, i) => one.push(stream.subarray(from, places[i])));
      expect(answers.join('')).toBe(requests.map(([, answer]) => answer).join(''));
    }),
    { numRuns: 50 },
  );
});

test('old files in pid are removed at the start and then before every 31st further request', () => {
  const old = instance.paths.pid('1.2.3');
  const young = instance.paths.pid('4.5.6');
  make(young);
  utimesSync(young, NOW - 129_599, NOW);
  const age = () => {
    make(old);
    utimesSync(old, NOW - 129_600, NOW);
  };
  age();
  const one = cleaner();
  one.sweepIfDue();
  expect(readdirSync(instance.paths.directory('pid'))).toEqual(['4.5.6']);
  age();
  for (let i = 1; i <= 30; i++) one.push(Buffer.from('foop/11\0'));
  expect(existsSync(old)).toBe(true);
  one.push(Buffer.from('foop/11\0'));
  expect(existsSync(old)).toBe(false);
  expect(existsSync(young)).toBe(true);
});

test('the program answers each request with one byte and exits 0 at the end of its input', () => {
  make(instance.paths.mess('69'));
  const result = spawnSync(join(bin, 'qmail-clean'), [], {
    env: instance.env,
    input: 'foop/69\0nonsense\0todo/69\0foop/6',
    encoding: 'latin1',
  });
  expect(result).toMatchObject({ status: 0, stdout: '+x+', stderr: '' });
  expect(existsSync(instance.paths.mess('69'))).toBe(false);
});

test('the program without a queue: one line, exit code 111', () => {
  const env = { ...instance.env, QMAILHOME: join(instance.home, 'nowhere') };
  const result = spawnSync(join(bin, 'qmail-clean'), [], { env, encoding: 'latin1' });
  expect(result.status).toBe(111);
  expect(result.stderr).toBe(
    'qmail-clean: fatal: unable to switch to queue directory: no such file or directory\n',
  );
});
