// qmail-send's end of a spawner that runs as a process of its own, for tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { encodeDelivery } from '../command.ts';
import { type Report, ReportDecoder } from '../report.ts';

export class SpawnerProcess {
  readonly seen: Report[] = [];
  /** Everything it wrote to fd 2. */
  errors = '';
  /** Its first byte. */
  limit: number | undefined;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;

  /** With `uid`, which needs root, it runs as that user and group. */
  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv, uid?: number) {
    const identity = uid === undefined ? {} : { uid, gid: uid };
    this.#child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'], ...identity });
    this.#exit = once(this.#child, 'exit');
    const decoder = new ReportDecoder();
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      const rest = this.limit === undefined ? chunk.subarray(1) : chunk;
      this.limit ??= chunk[0];
      decoder.push(rest, (report) => {
        this.seen.push(report);
        this.#child.emit('report');
      });
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString('latin1');
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Forgets the reports so far, so that a slot can be used again. */
  forget(): void {
    this.seen.length = 0;
  }

  send(slot: number, message: string, sender: string, recipient: string): void {
    this.#child.stdin?.write(encodeDelivery({ slot, message, sender, recipient }));
  }

  /** The report of that slot, when it has come. */
  async report(slot: number): Promise<string> {
    for (;;) {
      const found = this.seen.find((report) => report.slot === slot);
      if (found !== undefined) return found.text;
      const ended = await Promise.race([
        once(this.#child, 'report').then(() => false),
        this.#exit.then(() => true),
      ]);
      if (ended) throw new Error(`the spawner ended: ${this.errors}`);
    }
  }

  /** Ends its input; resolves to its exit code. */
  async end(): Promise<number | null> {
    this.#child.stdin?.end();
    const [code] = await this.#exit;
    return code as number | null;
  }

  /** For a test that failed half-way. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
