// The real qmail-start with the real qmail-send, qmail-clean and qmail-queue, in a private instance. A
// real host, with its users, is in the end-to-end tests.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildPrograms, Instance, until } from './testing/instance.ts';

const isRoot = process.getuid?.() === 0;
const OWNER = 47_012;
const owner = isRoot ? { uid: OWNER, gid: OWNER } : {};

/** In the place of a spawner: says what it is in $TELL/NAME, offers 10 slots, ends with its input. */
const FAKE_SPAWNER = `#!/bin/sh
ls -l /proc/$$/fd >"$TELL/\${0##*/}.fds"
echo "$0 $* QUEUELINK=$QUEUELINK" >"$TELL/\${0##*/}"
printf '\\012'
exec cat
`;

let bin: string;
let instance: Instance;
let fakes: string;
let env: NodeJS.ProcessEnv;
const started: ChildProcess[] = [];

beforeAll(async () => {
  bin = await buildPrograms(['qmail-start', 'qmail-send', 'qmail-clean', 'qmail-queue']);
});
afterAll(() => rm(bin, { recursive: true, force: true }));
beforeEach(() => {
  instance = new Instance({}, isRoot ? OWNER : undefined);
  fakes = join(instance.home, 'fakes');
  const tell = join(instance.home, 'tell');
  for (const dir of [fakes, tell]) mkdirSync(dir);
  chmodSync(tell, 0o777);
  for (const name of ['qmail-lspawn', 'qmail-rspawn']) {
    writeFileSync(join(fakes, name), FAKE_SPAWNER, { mode: 0o755 });
  }
  env = { PATH: `${fakes}:${process.env.PATH}`, QMAILHOME: instance.home, TELL: tell, KEPT: 'yes' };
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await instance.remove();
});

function start(args: readonly string[] = []) {
  const child = spawn(join(bin, 'qmail-start'), args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...owner,
  });
  started.push(child);
  let out = '';
  let errors = '';
  child.stdout.setEncoding('latin1').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('latin1').on('data', (text) => {
    errors += text;
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const closed = once(child, 'close');
  return { child, exited, closed, out: () => out, errors: () => errors };
}

/** The lines a fake spawner left. */
const told = (name: string) =>
  readFileSync(join(instance.home, 'tell', name), 'latin1').split('\n');

/** What the descriptors of this process lead to: a caller's pipe may be open from before the tests. */
const inherited = () =>
  new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return []; // The directory's own descriptor is gone already.
      }
    }),
  );

test('beside a running qmail-send it starts nothing: mail can still be queued', async () => {
  const first = start();
  await until(
    () => first.out().includes('listening on') && first.out().includes('status: local'),
    () => first.out() + first.errors(),
  );
  const socket = () => statSync(join(instance.home, 'run/queue.socket')).ino;
  const before = socket();
  const second = start();
  expect(await second.exited).toEqual([111, null]);
  await second.closed;
  expect(second.errors()).toBe('qmail-start: fatal: qmail-send is already running\n');
  expect(second.out()).toBe('');
  expect(socket()).toBe(before);
});

test('it becomes qmail-send, with every part around it; all end when it ends', async () => {
  const run = start(['./Maildir/']);
  await until(
    () => run.out().includes('listening on') && run.out().includes('status: local 0/10'),
    () => run.out() + run.errors(),
  );
  const { pid } = run.child;
  expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toContain(`${bin}/qmail-send`);
  expect(readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')).toEqual(
    expect.arrayContaining(['KEPT=yes', 'QUEUELINK=7']),
  );
  expect(told('qmail-lspawn')[0]).toBe(`${fakes}/qmail-lspawn ./Maildir/ QUEUELINK=`);
  expect(told('qmail-rspawn')[0]).toBe(`${fakes}/qmail-rspawn  QUEUELINK=`);
  // Its own two, and no other part's. What this process was started with is inherited, as in qmail.
  const pipes = told('qmail-lspawn.fds').flatMap((line) => line.match(/pipe:\[\d+\]/) ?? []);
  expect(pipes.filter((pipe) => !inherited().has(pipe)).length).toBe(2);
  expect(statSync(join(instance.home, 'run/queue.socket')).isSocket()).toBe(true);
  expect(statSync(join(instance.home, 'run')).mode & 0o7777).toBe(0o755);

  instance.enqueue('joe@far.test', []);
  await until(() => run.out().includes('end msg'), run.out);
  run.child.kill('SIGTERM');
  expect(await run.exited).toEqual([0, null]);
  // Everybody who holds the log has ended.
  await run.closed;
  expect(run.out()).toContain('status: exiting\n');
  expect(run.out()).toContain('lifeline lost');
  expect(run.errors()).toBe('');
});

test('a logger gets the log, and its own output goes where ours went', async () => {
  const run = start(['./Mailbox', 'sed', '-u', 's/^/logged: /']);
  await until(() => run.out().includes('logged: status: local 0/10'), run.out);
  run.child.kill('SIGTERM');
  await run.closed;
  expect(run.out()).toContain('logged: status: exiting\n');
});

test('when the queue server dies, qmail-send ends, and the next start serves again', async () => {
  const first = start();
  await until(() => first.out().includes('listening on'), first.out);
  await until(() => first.out().includes('status:'), first.out);
  const server = childrenOf(first.child.pid as number).find((it) =>
    it.command.includes('--listen'),
  );
  process.kill(server?.pid as number, 'SIGKILL');
  expect(await first.exited).toEqual([0, null]);
  await first.closed;
  expect(first.out()).toContain('alert: oh no! lost qmail-queue connection! dying...\n');

  const second = start();
  await until(() => second.out().includes('listening on'), second.out);
  second.child.kill('SIGTERM');
  await second.closed;
});

test('no qmail-send is started while a killed one’s qmail-clean may still take messages out of todo', async () => {
  const first = start();
  await until(() => first.out().includes('status:'), first.out);
  const clean = childrenOf(first.child.pid as number).find((it) =>
    it.command.includes('qmail-clean'),
  )?.pid as number;
  process.kill(clean, 'SIGSTOP');
  try {
    const id = instance.enqueue('joe@far.test', ['a@far.test', 'b@far.test']);
    await until(() => existsSync(instance.paths.info(id)), first.out);
    first.child.kill('SIGKILL');
    await first.exited;

    const second = start();
    const { pid } = second.child;
    // It has looked whether it is its turn: it has the directory open.
    await until(() => linksOf(pid as number).includes(join(instance.home, 'run')), second.errors);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toContain('qmail-start');
    expect(second.out()).toBe('');
    process.kill(clean, 'SIGCONT');
    await until(() => second.out().includes('status:'), second.errors);
    await until(() => !existsSync(instance.paths.todo(id)), second.out);
    expect(existsSync(instance.paths.info(id))).toBe(true);
    second.child.kill('SIGTERM');
    await second.closed;
    expect(second.errors()).toBe('');
  } finally {
    killQuietly(clean);
  }
});

test('a run directory that is missing is made', async () => {
  await rm(join(instance.home, 'run'), { recursive: true });
  const run = start();
  await until(() => existsSync(join(instance.home, 'run/queue.socket')), run.errors);
  expect(statSync(join(instance.home, 'run')).mode & 0o7777).toBe(0o755);
  run.child.kill('SIGTERM');
  await run.closed;
});

test.each([
  ['qmail-lspawn', 'unable to run .*qmail-lspawn'],
  ['qmail-rspawn', 'unable to run .*qmail-rspawn'],
])('without %s: one line, exit code 111, and nothing stays behind', async (name, line) => {
  await rm(join(fakes, name));
  env.PATH = `${fakes}:/usr/bin:/bin`;
  const run = start();
  expect(await run.exited).toEqual([111, null]);
  await run.closed;
  expect(run.errors()).toMatch(new RegExp(`^qmail-start: fatal: ${line}: .*\n$`));
  expect(existsSync(join(instance.home, 'run/queue.socket'))).toBe(false);
});

test('without qmail-send: the same', async () => {
  renameSync(join(bin, 'qmail-send'), join(bin, 'away'));
  try {
    const run = start();
    expect(await run.exited).toEqual([111, null]);
    await run.closed;
    expect(run.errors()).toMatch(/^qmail-start: fatal: unable to run .*qmail-send: .*\n$/);
  } finally {
    renameSync(join(bin, 'away'), join(bin, 'qmail-send'));
  }
});

test('an installation that is neither ours nor complete is refused', () => {
  const result = spawnSync(join(bin, 'qmail-start'), [], {
    env: { ...env, QMAILHOME: join(instance.home, 'nowhere') },
    encoding: 'latin1',
    ...owner,
  });
  expect(result.status).toBe(111);
  expect(result.stderr).toMatch(/^qmail-start: fatal: .*\n$/);
  expect(result.stderr.split('\n').length).toBe(2);
});

/** What its descriptors lead to. */
function linksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return []; // closed meanwhile
      }
    });
  } catch {
    return []; // ended
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

interface Process {
  readonly pid: number;
  readonly command: string;
}

function childrenOf(parent: number): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replace(/\0/g, ' ');
        const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return ppid === parent ? [{ pid: Number(name), command }] : [];
      } catch {
        return []; // ended meanwhile
      }
    });
}
