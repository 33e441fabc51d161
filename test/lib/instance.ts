// A private instance for a test: started as a user would, in a directory of its own, on free ports.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killQuietly, processesOf, until } from './processes.ts';

export const DIST = join(import.meta.dirname, '../../bin/dist');

export interface RunningInstance {
  readonly dir: string;
  readonly smtpPort: number;
  readonly pop3Port: number;
  readonly users: readonly { readonly address: string; readonly password: string }[];
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
): Promise<RunningInstance> {
  const ports = words.some((word) => word.includes('-port'))
    ? []
    : ['--smtp-port', '0', '--pop3-port', '0'];
  const supervisor = spawn(
    join(DIST, 'qmail-ts'),
    ['start', '--dir', dir, '--json', ...ports, ...words],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: dir, ...env },
    },
  );
  let out = '';
  let closed = false;
  supervisor.on('close', () => {
    closed = true;
  });
  supervisor.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  supervisor.stderr.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  const report = await until(
    'the instance is up',
    () => {
      if (closed) throw new Error(`the instance ended: ${out}\n${logOf(dir)}`);
      return out.split('\n').find((line) => line.startsWith('{'));
    },
    150,
  );
  return { ...JSON.parse(report), supervisor };
}

/** Stops it as Ctrl-C would and waits until no process of it is left; resolves to the exit code. */
export async function stopInstance(instance: RunningInstance): Promise<number | null> {
  if (instance.supervisor.exitCode === null) instance.supervisor.kill('SIGTERM');
  await until(
    'the supervisor ends',
    () => instance.supervisor.exitCode !== null || instance.supervisor.signalCode !== null,
  );
  await until('all its processes end', () => processesOf(instance.dir).length === 0);
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

/** The end of the services' log, for a failing test's message. */
export function logOf(dir: string): string {
  try {
    return readFileSync(join(dir, 'log/current'), 'latin1').split('\n').slice(-30).join('\n');
  } catch {
    return '(no log)';
  }
}
