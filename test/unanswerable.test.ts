// A client that keeps its end of our input open and takes no answers: a session that cannot write ends, and does not wait
// for a next command whose answer would be lost as well.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIST } from './lib/instance.ts';
import { isRoot } from './lib/run.ts';

/** Far below the shortest time for which any of them waits for a silent client. */
const PATIENCE_MS = 60_000;
const NOBODY = 65_534;

interface Server {
  readonly name: string;
  readonly args: readonly string[];
  readonly command: string;
}

const SERVERS: readonly Server[] = [
  { name: 'qmail-smtpd', args: [], command: 'NOOP\r\n' },
  { name: 'qmail-popup', args: ['host.example', 'true'], command: 'CAPA\r\n' },
  { name: 'qmail-pop3d', args: ['Maildir'], command: 'NOOP\r\n' },
  { name: 'imaplogin', args: ['host.example', 'true'], command: 'a NOOP\r\n' },
  { name: 'imapd', args: ['Maildir'], command: 'a NOOP\r\n' },
];

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'unanswerable-'));
  for (const dir of ['control', 'Maildir', 'Maildir/cur', 'Maildir/new', 'Maildir/tmp'])
    mkdirSync(join(home, dir));
  writeFileSync(join(home, 'control/me'), 'host.example\n');
  for (const dir of ['', 'Maildir', 'Maildir/cur', 'Maildir/new', 'Maildir/tmp'])
    chmodSync(join(home, dir), 0o777);
});
afterAll(() => rmSync(home, { recursive: true }));

function start({ name, args }: Server, output: 'pipe' | number): ChildProcess {
  return spawn(join(DIST, name), args, {
    cwd: home,
    env: { PATH: process.env.PATH, QMAILHOME: home, TCPREMOTEIP: '192.0.2.1' },
    stdio: ['pipe', output, 'ignore'],
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
}

/** True once it has ended by itself. */
async function ends(child: ChildProcess): Promise<boolean> {
  const over = new Promise<boolean>((resolve) => child.once('exit', () => resolve(true)));
  const late = AbortSignal.timeout(PATIENCE_MS);
  const tooLong = new Promise<boolean>((resolve) =>
    late.addEventListener('abort', () => resolve(false)),
  );
  try {
    return child.exitCode !== null || (await Promise.race([over, tooLong]));
  } finally {
    child.kill('SIGKILL');
    child.stdin?.destroy();
  }
}

describe.each(SERVERS)('$name ends', (server) => {
  test('when the other end of its output is closed', { timeout: 2 * PATIENCE_MS }, async () => {
    const child = start(server, 'pipe');
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.stdout?.destroy();
    child.stdin?.on('error', () => {}); // it may be gone already
    child.stdin?.write(server.command);
    expect(await ends(child)).toBe(true);
  });

  test('when there is no room for what it says', { timeout: 2 * PATIENCE_MS }, async () => {
    const full = openSync('/dev/full', 'w');
    const child = start(server, full);
    closeSync(full);
    expect(await ends(child)).toBe(true);
  });
});
