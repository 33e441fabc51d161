// The caller's side: one warm worker as a process. It may be another user's, who may do with it what he
// likes: all that it can say here is "ready" and exit codes.

import { closeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { sendDescriptors, socketpair } from '@q/posix';
import { type Child, type Exit, type SpawnRequest, spawn } from '@q/proc';
import { ANSWER_LENGTH, CALLS_FD, type Call, encodeCall, READY_BYTE } from './call.ts';
import { END } from './limits.ts';

/** How a worker is started: `args` are those that select the program's worker form. */
export type WorkerRequest = Omit<SpawnRequest, 'stdio' | 'detached'>;

/** A worker that is gone without an answer. Which signal it was, if any, changes nothing. */
const CRASHED: Exit = { signal: 'SIGKILL' };

export class Worker {
  readonly #child: Child;
  readonly #calls: Duplex;
  readonly #files: number;
  /** Resolves what waits for the worker's next word: that it is ready, or a call's answer. */
  #waiting: ((said: Buffer | undefined) => void) | undefined;
  #expected = 1;
  #said: Buffer = Buffer.alloc(0);
  #ended = false;
  #onFree: () => void = () => {};
  #onGone: () => void = () => {};

  private constructor(child: Child, files: number) {
    this.#child = child;
    this.#calls = child.stdio[CALLS_FD] as Duplex;
    this.#files = files;
    this.#calls.on('data', (chunk: Buffer) => this.#hear(chunk));
    this.#calls.on('end', () => this.end());
    this.#calls.on('close', () => this.end());
  }

  /**
   * Starts one, in a process group of its own. Resolves to undefined when it cannot be started or does not
   * say in time that it is a worker: a C program of that name, for instance.
   */
  static async start(request: WorkerRequest, readyMs: number): Promise<Worker | undefined> {
    const worker = await Worker.#spawn(request).catch(() => undefined);
    if (worker === undefined) return undefined;
    const timer = setTimeout(() => worker.end(), readyMs);
    const said = await worker.#next(1);
    clearTimeout(timer);
    if (said?.[0] === READY_BYTE) return worker;
    worker.end();
    return undefined;
  }

  static async #spawn(request: WorkerRequest): Promise<Worker> {
    const [ours, theirs] = socketpair();
    try {
      const stdio = ['ignore', 'ignore', 'ignore', 'pipe', theirs] as const;
      return new Worker(await spawn({ ...request, stdio, detached: true }), ours);
    } catch (error) {
      closeSync(ours);
      throw error;
    } finally {
      closeSync(theirs);
    }
  }

  /** Says what is to happen when a call is over and another may be made, and when none ever may be again. */
  follow(onFree: () => void, onGone: () => void): void {
    this.#onFree = onFree;
    this.#onGone = onGone;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Begins a call with the open files for its fd 0, 1 and 2; they have been passed on when this returns.
   * Resolves to how it ended; a worker that is gone before is a killed process. Undefined when nothing
   * could be begun: the worker is not to be used any more.
   */
  begin(call: Call, files: readonly [number, number, number]): Promise<Exit> | undefined {
    if (this.#ended) return undefined;
    try {
      sendDescriptors(this.#files, files);
    } catch {
      this.end();
      return undefined;
    }
    this.#calls.write(encodeCall(call));
    return this.#next(ANSWER_LENGTH).then((said) => this.#exitOf(said));
  }

  #exitOf(said: Buffer | undefined): Exit {
    if (said === undefined) return CRASHED;
    const [code, more] = said as unknown as [number, number];
    if (more === 1 && !this.#ended) this.#onFree();
    else this.end();
    return { code };
  }

  /** Lets it go: it sees the end of its input, and is killed if that does not end it. Once is enough. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    closeSync(this.#files);
    this.#calls.destroy();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END);
    void this.#child.exited.then(() => clearTimeout(timer));
    this.#waiting?.(undefined);
    this.#onGone();
  }

  #next(length: number): Promise<Buffer | undefined> {
    this.#expected = length;
    return new Promise((resolve) => {
      this.#waiting = (said) => {
        this.#waiting = undefined;
        this.#expected = 0;
        this.#said = Buffer.alloc(0);
        resolve(said);
      };
      if (this.#ended) this.#waiting(undefined);
    });
  }

  #hear(chunk: Buffer): void {
    const said = Buffer.concat([this.#said, chunk]);
    if (said.length > this.#expected)
      this.end(); // it speaks without being asked
    else if (said.length === this.#expected) this.#waiting?.(said);
    else this.#said = said;
  }
}
