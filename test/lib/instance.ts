// A private instance for a test: started as a user would, in a directory of its own, on free ports.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeProcesses, killQuietly, processesOf, until } from './processes.ts';

export const DIST = join(import.meta.dirname, '../../bin/dist');

/**
 * Seconds until an instance that cannot come up has said so itself: it waits 20 s for leftovers, twice 60 s for each
 * of two greetings, and 20 s for its services to end.
 */
const START = 320;

const PORT_OPTIONS = ['--smtp-port', '--pop3-port', '--imap-port', '--imaps-port'];
/** For a start of one's own: any ports that are free. */
export const FREE_PORTS: readonly string[] = PORT_OPTIONS.flatMap((option) => [option, '0']);

export interface RunningInstance {
  readonly dir: string;
  readonly smtpPort: number;
  readonly pop3Port: number;
  readonly imapPort: number;
  readonly imapsPort: number;
  readonly users: readonly { readonly address: string; readonly password: string }[];
  /** What the demonstration showed. */
  readonly proof: string;
  readonly supervisor: ChildProcess;
}

/** A fresh directory that an unprivileged uid can reach too. */
export function openDirectory(prefix: string): string {
  const dir = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(dir, 0o755);
  return dir;
}

/** Starts `qmail-ts start` in `dir`, with `env` besides PATH and HOME; resolves when mail has been seen to go through. */
export async function startInstance(
  dir: string,
  words: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  programs = DIST,
): Promise<RunningInstance> {
  const supervisor = beginInstance(dir, words, env, programs);
  let out = '';
  let closed = false;
  supervisor.on('close', () => {
    closed = true;
  });
  supervisor.on('error', (error) => {
    out += error.message;
    closed = true;
  });
  supervisor.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  supervisor.stderr?.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  const report = await until(
    'the instance is up',
    () => {
      if (closed) throw new Error('the instance ended');
      return out.split('\n').find((line) => line.startsWith('{'));
    },
    START,
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${out}\n${stateOf(dir)}`);
  });
  return { ...JSON.parse(report), supervisor };
}

/** A copy of the built programs below `top`, for a test that starts them again and again: a build changes DIST. */
export function copyPrograms(top: string): string {
  const programs = join(top, 'programs');
  cpSync(DIST, programs, { recursive: true, dereference: true });
  return programs;
}

/** The same without waiting for anything. */
export function beginInstance(
  dir: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  programs = DIST,
): ChildProcess {
  const ports = PORT_OPTIONS.filter((option) => !words.includes(option)).flatMap((option) => [
    option,
    '0',
  ]);
  return spawn(join(programs, 'qmail-ts'), ['start', '--dir', dir, '--json', ...ports, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: dir, ...env },
  });
}

/** kill -9 of the supervisor, which is two processes when root started it; the services stay behind. */
export function killSupervisor(dir: string, supervisor: ChildProcess): void {
  supervisor.kill('SIGKILL');
  for (const { pid, name } of processesOf(dir))
    if (name === 'qmail-ts') killQuietly(pid, 'SIGKILL');
}

/**
 * A free port on loopback that the kernel gives to nobody who asks for any port: it can be had again after a moment
 * in which nobody listened there.
 */
export async function steadyPort(): Promise<number> {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1');
  const first = Number(range.trim().split(/\s+/)[0]);
  for (;;) {
    const port = 1024 + Math.floor(Math.random() * (first - 1024));
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ host: '127.0.0.1', port }, () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}

/** An address of this host on which, in all likelihood, nobody uses any port: for ports that cannot be chosen. */
export function loopbackAddress(): string {
  const part = () => 1 + Math.floor(Math.random() * 254);
  return `127.${part()}.${part()}.${part()}`;
}

/** Stops it as Ctrl-C would and waits until no process of it is left; resolves to the exit code. */
export async function stopInstance(instance: RunningInstance): Promise<number | null> {
  if (instance.supervisor.exitCode === null) instance.supervisor.kill('SIGTERM');
  const { supervisor, dir } = instance;
  const explained = (error: Error) => {
    throw new Error(`${error.message}\n${stateOf(dir)}`);
  };
  await until(
    'the supervisor ends',
    () => supervisor.exitCode !== null || supervisor.signalCode !== null,
  ).catch(explained);
  await until('all its processes end', () => processesOf(dir).length === 0).catch(explained);
  return instance.supervisor.exitCode;
}

/** For afterEach: nothing of an instance survives, whatever a test did. */
export async function removeInstance(
  dir: string,
  supervisors: readonly (ChildProcess | undefined)[],
): Promise<void> {
  for (const supervisor of supervisors)
    if (supervisor?.pid !== undefined) killQuietly(supervisor.pid, 'SIGKILL');
  await until('no process is left', () => {
    const left = processesOf(dir);
    for (const { pid } of left) killQuietly(pid, 'SIGKILL');
    return left.length === 0;
  });
  rmSync(dir, { recursive: true, force: true });
}

/** What can be seen of an instance, for a failing test's message: its processes and the end of its log. */
export function stateOf(dir: string): string {
  return `processes:\n${describeProcesses(dir)}\nlog:\n${logOf(dir)}`;
}

/** The end of the services' log. */
export function logOf(dir: string): string {
  try {
    return readFileSync(join(dir, 'log/current'), 'latin1').split('\n').slice(-30).join('\n');
  } catch {
    return '(no log)';
  }
}
