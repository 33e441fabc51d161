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
import { buildExecutables } from '@q/spawn/testing';

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

/** Runs qmail-local as qmail-lspawn would. */
export async function deliver(recipient: Recipient, delivery: Delivery = {}): Promise<Outcome> {
  const { qmail, home } = recipient;
  const file = join(qmail, 'message');
  writeFileSync(file, delivery.message ?? MESSAGE, 'latin1');
  const fd = openSync(file, 'r');
  const ext = delivery.ext ?? '';
  const local = delivery.local ?? (ext === '' ? 'joe' : `joe-${ext}`);
  const args = ['joe', home, local, delivery.dash ?? (ext === '' ? '' : '-'), ext];
  const rest = ['example.org', delivery.sender ?? 'ann@example.net'];
  const child = spawn(
    join(qmail, 'bin', delivery.program ?? 'qmail-local'),
    [...(delivery.options ?? ['--']), ...args, ...rest, delivery.aliasEmpty ?? './Mailbox'],
    {
      env: { PATH: process.env.PATH, QMAILHOME: qmail, ...delivery.env },
      stdio: [delivery.input ?? fd, 'pipe', 'pipe'],
      ...(delivery.uid === undefined ? {} : { uid: delivery.uid, gid: delivery.uid }),
    },
  );
  closeSync(fd);
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
