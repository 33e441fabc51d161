// A recipient's home directory, a qmail tree with the real qmail-local, and a queue that keeps what it is
// given: for the tests of local delivery.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipe } from '@q/posix';
import { processReport } from '@q/spawn';
import { buildExecutables } from '@q/spawn/testing';
import { WorkerPool } from '@q/warm';

export interface Recipient {
  readonly qmail: string;
  readonly home: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A tree of its own with the named programs; `emptyHome` makes the home anew for each test. */
export async function makeRecipient(...programs: string[]): Promise<Recipient> {
  const qmail = mkdtempSync(join(tmpdir(), 'local-'));
  chmodSync(qmail, 0o755);
  await buildExecutables(qmail, programs);
  const recipient = { qmail, home: join(qmail, 'joe') };
  emptyHome(recipient);
  return recipient;
}

export function emptyHome({ home }: Recipient): void {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { mode: 0o755 });
}

export function removeRecipient({ qmail }: Recipient): void {
  rmSync(qmail, { recursive: true, force: true });
}

export interface Delivery {
  readonly message?: string;
  readonly dash?: string;
  readonly ext?: string;
  readonly local?: string;
  readonly sender?: string;
  readonly aliasEmpty?: string;
  readonly options?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Instead of qmail-local; in the tree's bin. */
  readonly program?: string;
  /** What fd 0 is, instead of a file with the message. */
  readonly input?: 'pipe';
  /** Who runs it, when a test is run by root. */
  readonly uid?: number;
}

export const MESSAGE = 'Subject: hello\n\nFirst line\nFrom the second\n';

/** Makes the deliveries of this test file by a warm worker, where a worker can make them. */
export function useWarmForm(): void {
  pool = new WorkerPool({ total: 1, ready: 60_000 });
}

export function endWarmForm(): void {
  pool?.close();
}

let pool: WorkerPool | undefined;

/** Runs qmail-local as qmail-lspawn would. */
export async function deliver(recipient: Recipient, delivery: Delivery = {}): Promise<Outcome> {
  const { qmail, home } = recipient;
  const file = join(qmail, 'message');
  writeFileSync(file, delivery.message ?? MESSAGE, 'latin1');
  const fd = openSync(file, 'r');
  const ext = delivery.ext ?? '';
  const local = delivery.local ?? (ext === '' ? 'joe' : `joe-${ext}`);
  const names = ['joe', home, local, delivery.dash ?? (ext === '' ? '' : '-'), ext];
  const rest = ['example.org', delivery.sender ?? 'ann@example.net'];
  const args = [...names, ...rest, delivery.aliasEmpty ?? './Mailbox'];
  const env = { PATH: process.env.PATH, QMAILHOME: qmail, ...delivery.env };
  const ownProcess = [delivery.options, delivery.program, delivery.uid].some(
    (value) => value !== undefined,
  );
  try {
    return pool === undefined || ownProcess
      ? await inProcess(qmail, delivery, args, env, fd)
      : await inWorker(pool, qmail, delivery, args, env, fd);
  } finally {
    closeSync(fd);
  }
}

async function inWorker(
  workers: WorkerPool,
  qmail: string,
  delivery: Delivery,
  args: string[],
  env: NodeJS.ProcessEnv,
  fd: number,
): Promise<Outcome> {
  const request = { file: join(qmail, 'bin/qmail-local'), args: ['--worker'], cwd: qmail };
  const own = { PATH: process.env.PATH, QMAILHOME: qmail };
  // Deliveries of a test that are made side by side wait for each other here.
  let worker = await workers.take('joe', { ...request, env: own });
  while (worker === undefined) worker = await workers.take('joe', { ...request, env: own });
  const [input, out, err] = [pipe(), pipe(), pipe()];
  closeSync(input.write);
  const message = delivery.input === 'pipe' ? input.read : fd;
  const ended = worker.begin({ args, env }, [message, out.write, err.write]);
  for (const end of [input.read, out.write, err.write]) closeSync(end);
  if (ended === undefined) throw new Error('the worker is gone');
  const [{ exit, output }, errors] = await Promise.all([
    processReport(ended, out.read, 1e6),
    processReport(ended, err.read, 1e6),
  ]);
  const code = 'code' in exit ? exit.code : null;
  return { code, signal: 'signal' in exit ? exit.signal : null, out: output, err: errors.output };
}

async function inProcess(
  qmail: string,
  delivery: Delivery,
  args: string[],
  env: NodeJS.ProcessEnv,
  fd: number,
): Promise<Outcome> {
  const { uid } = delivery;
  const identity = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(
    join(qmail, 'bin', delivery.program ?? 'qmail-local'),
    [...(delivery.options ?? ['--']), ...args],
    { env, stdio: [delivery.input ?? fd, 'pipe', 'pipe'], ...identity },
  );
  const texts = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    texts.out += chunk.toString('latin1');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    texts.err += chunk.toString('latin1');
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, ...texts };
}

/** A .qmail file of the recipient. */
export function dotQmail({ home }: Recipient, content: string, ext = '', mode = 0o644): void {
  const file = join(home, `.qmail${ext}`);
  writeFileSync(file, content, 'latin1');
  chmodSync(file, mode);
}

export function fileIn({ home }: Recipient, name: string): string {
  return readFileSync(join(home, name), 'latin1');
}

export function isIn({ home }: Recipient, name: string): boolean {
  return existsSync(join(home, name));
}

/** A qmail-queue that exits with `code` and keeps message and envelope; gives the environment that selects it. */
export function fakeQueue({ qmail }: Recipient, code = 0): NodeJS.ProcessEnv {
  const script = join(qmail, 'fake-queue');
  const body = `cat > '${qmail}/queued-message'\ncat <&1 > '${qmail}/queued-envelope'\nexit ${code}\n`;
  writeFileSync(script, `#!/bin/sh\nexec 3>>'${qmail}/queue-calls'; echo call >&3\n${body}`);
  chmodSync(script, 0o755);
  for (const name of ['queued-message', 'queued-envelope', 'queue-calls'])
    rmSync(join(qmail, name), { force: true });
  return { QMAILQUEUE: script };
}

export function queued({ qmail }: Recipient) {
  const read = (name: string) => {
    const path = join(qmail, name);
    return existsSync(path) ? readFileSync(path, 'latin1') : undefined;
  };
  return {
    message: read('queued-message'),
    envelope: read('queued-envelope'),
    calls: (read('queue-calls') ?? '').split('\n').length - 1,
  };
}
