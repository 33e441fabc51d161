// Worker and pool together, with a program of the test as the worker.

import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipe } from '@q/posix';
import type { Exit } from '@q/proc';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AnswerDecoder, encodeAnswer, FLAGS, OUTPUT_MAX } from './call.ts';
import { type PoolLimits, type Worker, WorkerPool } from './index.ts';

const SCRIPT = `
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { Permanent } from '@q/fault';
import { NeedsFiles, serveCalls } from './index.ts';
const held = [];
const say = (text) => writeSync(1, String(text));
const files = () => readdirSync('/proc/self/fd').filter((fd) => /^[0-2]$/.test(fd)).map((fd) => readlinkSync('/proc/self/fd/' + fd));
const commands = {
  pid: () => say(process.pid),
  exit: (code) => Number(code),
  cat: () => say(readFileSync(0)),
  env: (name) => say(process.env === undefined ? '' : name),
  state: () => say(JSON.stringify([process.cwd(), process.umask(), readdirSync('/proc/self/fd').length])),
  spoil: () => { process.chdir('/'); process.umask(0o777); },
  children: () => say(execFileSync('sh', ['-c', 'echo /proc/self/fd/?'], { stdio: [0, 'pipe', 2] })),
  fault: () => { throw new Permanent('no such thing'); },
  crash: () => process.kill(process.pid, 'SIGKILL'),
  hang: () => new Promise(() => setInterval(() => {}, 1e6)),
  grow: () => { held.push(Buffer.alloc(100e6, 1)); },
};
let underWay = 0;
let most = 0;
const plain = {
  read: ({ input, print }) => print(1, readFileSync(input)),
  meet: async ({ print }, many) => {
    const begun = performance.now();
    most = Math.max(most, ++underWay);
    while (most < Number(many) && performance.now() - begun < 1000) await new Promise((done) => setTimeout(done, 5));
    underWay--;
    print(1, Buffer.from(process.pid + ' ' + most));
  },
  files: ({ plain, plainWouldDo }, would) => {
    if (plain) throw new NeedsFiles();
    if (would) plainWouldDo();
    say(process.pid);
  },
};
serveCalls({ program: '/bin/demo', args: [], options: {}, env: process.env }, async ({ args, env }, files) => {
  if (args[0] === 'env') { say(env[args[1]]); return 0; }
  if (args[0] in plain) return (await plain[args[0]](files, args[1])) ?? 0;
  return (await commands[args[0]](args[1])) ?? 0;
}).then((code) => { process.exitCode = code; }, (error) => { console.error(error); process.exit(111); });
`;

let dir: string;
let file: string;
let pool: WorkerPool;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'warm-'));
  file = join(dir, 'demo');
  await build({
    stdin: { contents: SCRIPT, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: `${file}.js`,
    external: ['koffi'],
    define: { 'import.meta.url': '__u' },
    banner: {
      js: "#!/usr/bin/env node\nconst __u = require('node:url').pathToFileURL(__filename).href;",
    },
  });
  symlinkSync(join(import.meta.dirname, '../../../../bin/node_modules'), join(dir, 'node_modules'));
  install(file, readFileSync(`${file}.js`, 'latin1'));
});
afterEach(() => pool.close());
afterAll(() => {
  // The pool lets a worker finish its call, and some calls here have no end.
  for (const pid of childrenOf()) process.kill(pid, 'SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** Puts an executable in place as an upgrade does. */
function install(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { mode: 0o755 });
  renameSync(`${path}.new`, path);
}

function take(key = 'joe', program = file): Promise<Worker | undefined> {
  const env = { PATH: process.env.PATH, MARK: 'own' };
  return pool.take(key, { file: program, args: ['--worker'], env, cwd: dir });
}

/** A pool with so much time that a loaded machine changes nothing, but for what a test says. */
function makePool(limits: Partial<PoolLimits> = {}): void {
  pool = new WorkerPool({ patience: 60_000, ready: 60_000, ...limits });
}

interface Called {
  readonly exit: Exit;
  readonly out: string;
}

function begin(worker: Worker | undefined, args: string[], env?: NodeJS.ProcessEnv) {
  const input = openSync('/etc/hostname', 'r');
  const out = pipe();
  const ended = worker?.begin(env === undefined ? { args } : { args, env }, [
    input,
    out.write,
    out.write,
  ]);
  closeSync(input);
  closeSync(out.write);
  return { ended, fd: out.read };
}

async function call(worker: Worker | undefined, ...args: string[]): Promise<Called> {
  return finish(begin(worker, args));
}

async function finish({ ended, fd }: ReturnType<typeof begin>): Promise<Called> {
  let out = '';
  const stream = new Socket({ fd, readable: true, writable: false });
  for await (const chunk of stream) out += (chunk as Buffer).toString('latin1');
  return { exit: (await ended) as Exit, out };
}

async function pidOf(worker: Worker | undefined): Promise<number> {
  return Number((await call(worker, 'pid')).out);
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

/** The workers that this process has started, in whatever thread. */
function childrenOf(): number[] {
  const lists = readdirSync('/proc/self/task').map((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'latin1'),
  );
  const all = lists.join(' ').trim().split(/ +/).filter(Boolean).map(Number);
  return all.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(file);
    } catch {
      return false; // it has ended
    }
  });
}

async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(10);
}

test('a call has its arguments, files and environment, and the next one is made by the same process', async () => {
  makePool();
  const pid = await pidOf(await take());
  expect((await call(await take(), 'cat')).out).toBe(readFileSync('/etc/hostname', 'latin1'));
  expect(await call(await take(), 'exit', '99')).toEqual({ exit: { code: 99 }, out: '' });
  expect((await call(await take(), 'env', 'MARK')).out).toBe('own');
  expect((await finish(begin(await take(), ['env', 'MARK'], { MARK: 'given' }))).out).toBe('given');
  expect(await pidOf(await take())).toBe(pid);
});

test('nothing of a call is left for the next: directory, umask, descriptors', async () => {
  makePool();
  const before = (await call(await take(), 'state')).out;
  await call(await take(), 'spoil');
  expect(JSON.parse(before)[0]).toBe(dir);
  expect((await call(await take(), 'state')).out).toBe(before);
});

test('what a call starts has fd 0, 1 and 2 and no way to the caller', async () => {
  makePool();
  const { out } = await call(await take(), 'children');
  // The fourth is the directory that sh is reading.
  expect(out.trim().split(' ')).toEqual(['0', '1', '2', '3'].map((fd) => `/proc/self/fd/${fd}`));
});

test('a fault is said and coded as by a process of its own', async () => {
  makePool();
  expect(await call(await take(), 'fault')).toEqual({
    exit: { code: 100 },
    out: 'demo: fatal: no such thing\n',
  });
});

test('a worker that dies in a call counts as a killed process, and the next call has another', async () => {
  makePool();
  const pid = await pidOf(await take());
  expect((await call(await take(), 'crash')).exit).toEqual({ signal: 'SIGKILL' });
  const next = await pidOf(await take());
  expect(next).not.toBe(pid);
  process.kill(next, 'SIGKILL');
  await gone(next);
  await sleep(50);
  expect(await pidOf(await take())).not.toBe(next);
});

test('a call that hangs makes the others go elsewhere, as far as the bounds allow', async () => {
  makePool({ patience: 50, perKey: 2 });
  const hung = [await take(), await take()];
  const calls = hung.map((worker) => begin(worker, ['hang']));
  expect(hung.every((worker) => worker !== undefined)).toBe(true);
  expect(await take()).toBeUndefined();
  expect((await call(await take('ann'), 'exit', '3')).exit).toEqual({ code: 3 });
  for (const worker of hung) worker?.end();
  for (const one of calls) expect((await finish(one)).exit).toEqual({ signal: 'SIGKILL' });
});

test('who waits gets the worker that becomes free', async () => {
  makePool();
  const worker = await take();
  const waiting = take();
  const pid = await pidOf(worker);
  expect(await pidOf(await waiting)).toBe(pid);
});

test('a worker makes room for another key when it has been idle for a while, and only then', async () => {
  makePool({ total: 1, idleForOthers: 0 });
  const pid = await pidOf(await take('joe'));
  const other = await take('ann');
  await gone(pid);
  expect(await take('joe')).toBeUndefined();
  await pidOf(other);
  pool.close();
  makePool({ total: 1, idleForOthers: 1e6 });
  await pidOf(await take('joe'));
  expect(await take('ann')).toBeUndefined();
});

test('an idle worker ends in the end, one that has grown at once, all of them with the pool', async () => {
  makePool({ idle: 100 });
  await gone(await pidOf(await take()));
  pool.close();
  makePool();
  const pid = await pidOf(await take());
  expect((await call(await take(), 'grow')).exit).toEqual({ code: 0 });
  await gone(pid);
  const next = await pidOf(await take());
  pool.close();
  await gone(next);
});

test('an idle worker that is stopped cannot stay', async () => {
  makePool();
  const pid = await pidOf(await take());
  process.kill(pid, 'SIGSTOP');
  pool.close();
  await gone(pid);
});

test('a new version of the program takes over with the next call', async () => {
  makePool();
  const pid = await pidOf(await take());
  install(file, readFileSync(file, 'latin1'));
  expect(await pidOf(await take())).not.toBe(pid);
  await gone(pid);
});

test.each([
  ['ends', 'exit 0'],
  ['says something else', 'printf X >&3; cat <&3'],
  ['says too much', 'printf WW >&3; cat <&3'],
])(
  'a program that %s is no worker; it is not tried again until it is replaced',
  async (_, script) => {
    makePool();
    const other = join(dir, 'other');
    install(other, `#!/bin/sh\necho start >>'${dir}/starts'\n${script}\n`);
    const starts = () => readFileSync(join(dir, 'starts'), 'latin1').split('\n').length - 1;
    rmSync(join(dir, 'starts'), { force: true });
    expect(await take('joe', other)).toBeUndefined();
    expect(await take('joe', other)).toBeUndefined();
    expect(starts()).toBe(1);
    install(other, readFileSync(file, 'latin1'));
    expect(await call(await take('joe', other), 'exit', '5')).toMatchObject({ exit: { code: 5 } });
  },
);

test.each([
  ['says what is no answer', 'abcdef', { signal: 'SIGKILL' }],
  ['answers twice', '\\007\\001\\000\\000\\007\\001\\000\\000', { code: 7 }],
])('a worker that %s is let go', async (_, said, exit) => {
  makePool();
  const other = join(dir, 'talker');
  const script = `printf W >&3\nwhile ! [ -e '${dir}/go' ]; do sleep 0.02; done\nprintf '${said}' >&3\n`;
  install(other, `#!/bin/sh\n${script}exec cat <&3\n`);
  const worker = await take('joe', other);
  const called = call(worker, 'x');
  writeFileSync(join(dir, 'go'), '');
  expect((await called).exit).toEqual(exit);
  await until(() => worker?.ended === true);
  rmSync(join(dir, 'go'));
});

test('without workers, or without the program, everybody does without', async () => {
  makePool({ total: 0 });
  expect(await take()).toBeUndefined();
  makePool();
  expect(await take('joe', join(dir, 'nowhere'))).toBeUndefined();
  expect(readdirSync(dir)).toContain('demo');
});

describe('calls without fd 1 and 2', () => {
  function ask(args: string[], input?: number, key = 'joe') {
    const env = { PATH: process.env.PATH, MARK: 'own' };
    return pool.ask(key, { file, args: ['--worker'], env, cwd: dir }, { args }, input);
  }

  test('what they print is their answer, and their faults are those of a process', async () => {
    makePool();
    const input = openSync('/etc/hostname', 'r');
    expect(await ask(['read'], input)).toEqual({
      exit: { code: 0 },
      output: readFileSync('/etc/hostname', 'latin1'),
      needsFiles: false,
    });
    closeSync(input);
    expect(await ask(['exit', '99'])).toMatchObject({ exit: { code: 99 }, output: '' });
    expect(await ask(['fault'])).toMatchObject({
      exit: { code: 100 },
      output: 'demo: fatal: no such thing\n',
    });
  });

  test('those that wait for a worker are made together, and leave nothing behind', async () => {
    makePool();
    const state = (await call(await take(), 'state')).out;
    // A worker that runs between two of them is given them one after the other: then once more.
    const meeting = async () => {
      const first = ask(['meet', '1']);
      const met = await Promise.all([
        first,
        ...Array.from({ length: 8 }, () => ask(['meet', '8'])),
      ]);
      expect(new Set(met.map((called) => called?.output.split(' ')[0])).size).toBe(1);
      return met.at(-1)?.output;
    };
    await expect.poll(meeting).toMatch(/ 8$/);
    expect((await call(await take(), 'state')).out).toBe(state);
  });

  test('one that needs its files has done nothing; the next is begun with them until one shows that it need not', async () => {
    makePool();
    expect(await ask(['files'])).toMatchObject({ needsFiles: true });
    expect(await ask(['exit', '3'])).toBeUndefined();
    const pid = (await call(await take(), 'files')).out;
    expect(await ask(['exit', '3'])).toBeUndefined();
    expect((await call(await take(), 'files', 'would')).out).toBe(pid);
    expect(await ask(['exit', '3'])).toMatchObject({ exit: { code: 3 } });
  });

  test('a crash takes those with it that were under way together; then they are made one by one', async () => {
    makePool();
    // A worker may crash before it has been given the second: then once more, with another.
    let attempt = 0;
    const together = async () => {
      const key = `joe${++attempt}`;
      await ask(['exit', '0'], undefined, key);
      const calls = [['meet', '1'], ['crash'], ['meet', '100']];
      const called = await Promise.all(calls.map((args) => ask(args, undefined, key)));
      return called.map((one) => one?.exit);
    };
    const killed = { signal: 'SIGKILL' };
    await expect.poll(together).toEqual([{ code: 0 }, killed, killed]);
    const key = `joe${attempt}`;
    const busy = ask(['meet', '1'], undefined, key);
    const [, crashed, spared] = await Promise.all([
      busy,
      ask(['crash'], undefined, key),
      ask(['exit', '5'], undefined, key),
    ]);
    expect(crashed?.exit).toEqual({ signal: 'SIGKILL' });
    expect([undefined, { code: 5 }]).toContainEqual(spared?.exit);
  });

  test('when the workers hang others are started, and then everybody does without', async () => {
    makePool({ patience: 100, perKey: 2 });
    await ask(['exit', '0']);
    const hung = [ask(['hang'])];
    expect(await ask(['exit', '1'])).toMatchObject({ exit: { code: 1 } });
    hung.push(ask(['hang']));
    expect(await ask(['exit', '2'])).toBeUndefined();
    expect(await ask(['exit', '3'], undefined, 'ann')).toMatchObject({ exit: { code: 3 } });
    for (const pid of childrenOf()) process.kill(pid, 'SIGKILL');
    for (const one of hung) expect((await one)?.exit).toEqual({ signal: 'SIGKILL' });
  });

  test('a call as big as can be is refused or made, and the worker stays', async () => {
    makePool();
    expect(await ask(['exit', '0', 'x'.repeat(1e6)])).toBeUndefined();
    expect(await ask(['exit', '6', 'x'.repeat(1e5)])).toMatchObject({ exit: { code: 6 } });
  });
});

test('answers are read whatever the chunks, and what is none is refused', () => {
  const answers = [
    { code: 0, flags: FLAGS.more, output: '' },
    { code: 111, flags: FLAGS.files, output: 'did\xff\n' },
    { code: 1, flags: 0, output: 'x'.repeat(OUTPUT_MAX) },
  ];
  const bytes = Buffer.concat(answers.map(encodeAnswer));
  const decoder = new AnswerDecoder();
  expect([...bytes].flatMap((byte) => decoder.push(Buffer.of(byte)))).toEqual(answers);
  expect(new AnswerDecoder().push(bytes)).toEqual(answers);
  expect(() => decoder.push(Buffer.from('abcdef'))).toThrow(RangeError);
});
