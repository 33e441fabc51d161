// The real programs with a QMAILHOME of their own, for this package's tests. In qmail-queue's place is a script that
// keeps what it gets.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundlePrograms } from '@q/proc/testing';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  /** What to do about stdin and stdout in the shell: "<&-". */
  readonly redirect?: string;
}

const KEEP = 'cat >message; cat <&1 >envelope';

export class Programs {
  readonly home = mkdtempSync(join(tmpdir(), 'inject-'));
  readonly env: NodeJS.ProcessEnv = { PATH: process.env.PATH, QMAILHOME: this.home };

  async make(): Promise<void> {
    mkdirSync(join(this.home, 'control'));
    await bundlePrograms(join(this.home, 'bin'), [
      'qmail-inject',
      'mailsubj',
      'predate',
      'datemail',
    ]);
  }

  /** As at the beginning: host.test is this host, and the queue keeps what it gets. */
  reset(): void {
    for (const name of ['message', 'envelope', 'control'])
      rmSync(join(this.home, name), { recursive: true, force: true });
    mkdirSync(join(this.home, 'control'));
    this.file('control/me', 'host.test\n');
    this.queue(KEEP);
  }

  /** What is run in qmail-queue's place. */
  queue(script: string): void {
    this.script('bin/qmail-queue', script);
  }

  script(name: string, text: string): string {
    const path = this.file(name, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  file(name: string, content: string): string {
    const path = join(this.home, name);
    writeFileSync(path, content, 'latin1');
    return path;
  }

  /** What the queue got last: an empty envelope is one that its writer gave up. */
  queued(): { message: string; envelope: string } | undefined {
    const text = (name: string) => readFileSync(join(this.home, name), 'latin1');
    return this.has('envelope')
      ? { message: text('message'), envelope: text('envelope') }
      : undefined;
  }

  has(name: string): boolean {
    return existsSync(join(this.home, name));
  }

  start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(join(this.home, 'bin', program), args, {
      env: { ...this.env, ...env },
      cwd: this.home,
    });
  }

  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const path = join(this.home, 'bin', program);
    const child = spawn('sh', ['-c', `exec "$@" ${options.redirect ?? ''}`, 'sh', path, ...args], {
      env: { ...this.env, ...options.env },
      cwd: this.home,
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString('latin1');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString('latin1');
    });
    child.stdin.on('error', () => {}); // It may end without reading.
    const { input = '' } = options;
    child.stdin.end(typeof input === 'string' ? Buffer.from(input, 'latin1') : input);
    return new Promise((done) => {
      child.on('close', (code) => done({ code, out, err }));
    });
  }

  remove(): void {
    rmSync(this.home, { recursive: true });
  }
}
