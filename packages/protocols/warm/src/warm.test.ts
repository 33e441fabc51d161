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
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CallDecoder, encodeCall } from './call.ts';
import { type PoolLimits, type Worker, WorkerPool } from './index.ts';

const SCRIPT = `
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { Permanent } from '@q/fault';
import { serveCalls } from './index.ts';
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
serveCalls({ program: '/bin/demo', args: [], options: {}, env: process.env }, async ({ args, env }) => {
  if (args[0] === 'env') { say(env[args[1]]); return 0; }
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
afterAll(() => rmSync(dir, { recursive: true, force: true }));

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

test('a worker that speaks unasked is let go, and its call has failed', async () => {
  makePool();
  const other = join(dir, 'talker');
  install(other, `#!/bin/sh\nprintf W >&3\nread line <&3\nprintf 'abcdef' >&3\ncat <&3\n`);
  expect((await call(await take('joe', other), 'x')).exit).toEqual({ signal: 'SIGKILL' });
});

test('without workers, or without the program, everybody does without', async () => {
  makePool({ total: 0 });
  expect(await take()).toBeUndefined();
  makePool();
  expect(await take('joe', join(dir, 'nowhere'))).toBeUndefined();
  expect(readdirSync(dir)).toContain('demo');
});

test('calls are read whatever the chunks, and one without end is refused', () => {
  const calls = [{ args: ['a\nb', '\u00e9'] }, { args: [], env: { X: '1' } }];
  const decoder = new CallDecoder();
  const bytes = Buffer.concat(calls.map(encodeCall));
  expect([...bytes].flatMap((byte) => decoder.push(Buffer.of(byte)))).toEqual(calls);
  expect(new CallDecoder().push(bytes)).toEqual(calls);
  expect(() => decoder.push(Buffer.alloc(2_000_000, 'x'))).toThrow(RangeError);
});
