// qmail-start, ours and complete, on a test's queue, with a program in qmail-remote's place that answers
// what the test says.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { killQuietly, processesOf, until } from './processes.ts';
import type { TestQueue } from './queue.ts';

/** Waits while remote-wait is there; then reports on the recipient as remote-answer begins: r, h or s. */
const REMOTE = `#!/bin/sh
while test -e "$QMAILHOME/remote-wait"; do sleep 0.05; done
case $(cat "$QMAILHOME/remote-answer") in
r) printf 'r\\0Kaccepted\\0' ;;
h) printf 'hno such box\\0Kmessage\\0' ;;
*) printf 'stry later\\0Kmessage\\0' ;;
esac
`;

export class QueueService {
  readonly child: ChildProcess;
  #log = '';

  constructor(queue: TestQueue) {
    const remote = queue.file('remote', REMOTE, 0o755);
    const { file, words, as } = queue.command('qmail-start', ['./Maildir/']);
    this.child = spawn(file, words, {
      env: { ...queue.env, QMAILREMOTE: remote },
      ...as,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString('latin1');
      });
  }

  get log(): string {
    return this.#log;
  }

  /** Waits until the log has it so many times. */
  async logged(text: string, times = 1): Promise<void> {
    await until(`"${text}" in the log`, () => this.#log.split(text).length > times).catch(
      (error) => {
        throw new Error(`${error.message}\n${this.#log}`);
      },
    );
  }

  /** SIGTERM, and until its end. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }

  /** For afterEach: nothing of it is left. */
  static async end(queue: TestQueue): Promise<void> {
    await until('no process is left', () => {
      const left = processesOf(queue.home);
      for (const { pid } of left) killQuietly(pid, 'SIGKILL');
      return left.length === 0;
    });
  }
}
