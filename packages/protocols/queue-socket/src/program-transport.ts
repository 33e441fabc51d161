// Messages through a program: $QMAILQUEUE or bin/qmail-queue, started for each one. It gets the message
// on fd 0, the envelope on fd 1 (yes, to read), and may write its own error text to fd 6: qmail-queue(8).

import { fstatSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { textOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { type Child, spawn } from '@q/proc';
import { QUEUE_ALARM } from '@q/queue-files';
import { QueueExit, queueExitText } from './exit-text.ts';
import { ERROR_TEXT_MAX, ERROR_TEXT_SECONDS } from './limits.ts';
import { type QueueResult, resultOf, type Transport } from './writer.ts';

const ERROR_FD = 6;

/** Starts `file` (relative to `home`) with `env`, cwd `home` and `stderr` as fd 2. Throws Temporary with exit code 120 when that fails. */
export async function startProgram(
  file: string,
  home: string,
  env: NodeJS.ProcessEnv,
  stderr: number | 'ignore' = stderrForChild(),
): Promise<Transport> {
  try {
    const child = await spawn({
      file: resolve(home, file),
      args: [],
      cwd: home,
      env,
      stdio: ['pipe', 'pipe', stderr, 'ignore', 'ignore', 'ignore', 'pipe'],
    });
    return new ProgramTransport(child);
  } catch (error) {
    throw new Temporary('unable to exec qq', { cause: error, exitCode: QueueExit.NO_EXEC });
  }
}

class ProgramTransport implements Transport {
  readonly #child: Child;
  readonly #message: Duplex;
  readonly #envelope: Duplex;
  readonly #errorText: Promise<string>;
  #exited = false;
  /** Some of the message did not get to the program, which may take what it got for all of it. */
  #torn = false;
  /** Ends the wait for what was written last. */
  #written: () => void = () => {};

  constructor(child: Child) {
    this.#child = child;
    this.#message = child.stdio[0] as Duplex;
    this.#envelope = child.stdio[1] as Duplex;
    this.#envelope.resume();
    this.#errorText = readErrorText(child);
    const alarm = setTimeout(() => child.kill('SIGKILL'), QUEUE_ALARM * 1000);
    alarm.unref();
    child.exited.then(() => {
      this.#exited = true;
      this.#written();
      clearTimeout(alarm);
    });
  }

  get failed(): boolean {
    return this.#exited || this.#torn;
  }

  async message(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    if (this.failed) {
      this.#torn = true;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#written = resolve;
      this.#message.write(bytes, (error) => {
        this.#torn ||= error != null;
        resolve();
      });
    });
  }

  async finish(rest: Buffer, envelope: Buffer): Promise<QueueResult> {
    await this.message(rest);
    this.#message.end();
    // Without the final NUL, qmail-queue takes nothing: it has seen an end of file where none was.
    this.#envelope.end(this.#torn ? envelope.subarray(0, -1) : envelope);
    const exit = await this.#child.exited;
    const custom = 'code' in exit && exit.code === QueueExit.CUSTOM_TEXT;
    const text = queueExitText(exit, custom ? await this.#errorText : '');
    this.#release();
    const code = 'code' in exit ? exit.code : QueueExit.BUG;
    if (code === 0 && this.#torn) return resultOf(QueueExit.READ_ERROR);
    return code === 0 ? { code, text, qp: String(this.#child.pid) } : { code, text };
  }

  /** End of file on fd 1 before the envelope's final NUL: qmail-queue exits 54 and queues nothing. */
  abort(): void {
    this.#envelope.destroy();
    this.#message.destroy();
    this.#child.exited.then(() => this.#release());
  }

  #release(): void {
    for (const stream of this.#child.stdio) stream?.destroy();
  }
}

/** Up to ERROR_TEXT_MAX bytes of fd 6; what follows is read and dropped, so that the writer is not stopped. */
function readErrorText(child: Child): Promise<string> {
  const stream = child.stdio[ERROR_FD] as Duplex;
  let text = '';
  return new Promise((done) => {
    stream.on('data', (chunk: Buffer) => {
      text += textOf(chunk.subarray(0, ERROR_TEXT_MAX - text.length));
    });
    stream.once('close', () => done(text));
    stream.once('end', () => done(text));
    child.exited.then(() => setTimeout(() => done(text), ERROR_TEXT_SECONDS * 1000).unref());
  });
}

/** Our own stderr, unless that is the client's connection (inetd): a filter's chatter is not for the peer. */
function stderrForChild(): 2 | 'ignore' {
  try {
    const stderr = fstatSync(2);
    const stdin = fstatSync(0);
    return stderr.isSocket() && stderr.ino === stdin.ino && stderr.dev === stdin.dev ? 'ignore' : 2;
  } catch {
    return 'ignore';
  }
}
