// A program that qmail-send talks to, fed with the bytes of a recorded qmail-send: qmail-lspawn, qmail-rspawn or
// qmail-clean, as built.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ClassicHost } from './classic-host.ts';
import { DIST } from './instance.ts';
import { until } from './processes.ts';

export class RecordedSpawner {
  readonly child: ChildProcess;
  readonly #exited: Promise<unknown[]>;
  /** Everything it has written, latin1. */
  heard = '';

  constructor(
    host: ClassicHost,
    program: string,
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
  ) {
    this.child = spawn(join(DIST, program), args, {
      env: { ...host.env, ...env },
      uid: host.uid,
      gid: host.gid,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#exited = once(this.child, 'close');
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.heard += chunk.toString('latin1');
    });
  }

  say(bytes: string): void {
    this.child.stdin?.write(Buffer.from(bytes, 'latin1'));
  }

  /** Waits for the whole of what it says up to now. */
  async says(bytes: string): Promise<void> {
    await until(JSON.stringify(bytes), () => this.heard.length >= bytes.length).catch(
      (error: Error) => {
        throw new Error(`${error.message}, but: ${JSON.stringify(this.heard)}`);
      },
    );
  }

  /** Says a command; its report text, without slot and NUL. Only one command at a time. */
  async report(message: string, sender: string, recipient: string, slot = 0): Promise<string> {
    await until('the limit byte', () => this.heard.length > 0);
    const from = this.heard.length;
    this.say(`${String.fromCharCode(slot)}${message}\0${sender}\0${recipient}\0`);
    // A report ends at the first NUL that is not its first byte.
    await until('a report', () => this.heard.indexOf('\0', from + 1) > 0);
    return this.heard.slice(from + 1, -1);
  }

  /** Ends its input: its exit code. */
  async end(): Promise<number | null> {
    this.child.stdin?.end();
    const [code] = await this.#exited;
    return code as number | null;
  }

  /** For afterEach. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await this.#exited;
  }
}
