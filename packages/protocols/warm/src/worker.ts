// The caller's side: one warm worker as a process. It may be another user's, who may do with it what he
// likes: all that it can say here is "ready", exit codes and what a call has printed.

import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { messagePair, sendMessage, socketpair } from '@q/posix';
import { type Child, type Exit, type SpawnRequest, spawn } from '@q/proc';
import { type Answer, AnswerDecoder, type Call, encodeCall, FLAGS, READY_BYTE } from './call.ts';
import { END, READ_SIZE } from './limits.ts';

/** How a worker is started: `args` are those that select the program's worker form. */
export type WorkerRequest = Omit<SpawnRequest, 'stdio' | 'detached'>;

/** How a call went that had no fd 1 and 2. */
export interface Called {
  readonly exit: Exit;
  /** Latin1 text. */
  readonly output: string;
  /** Nothing was done: it must be begun with its three files. */
  readonly needsFiles: boolean;
}

/** A worker that is gone without an answer. Which signal it was, if any, changes nothing. */
const CRASHED: Exit = { signal: 'SIGKILL' };

type Waiting = (answer: Answer | undefined) => void;

export class Worker {
  readonly #child: Child;
  readonly #answers: Socket;
  readonly #calls: number;
  readonly #decoder = new AnswerDecoder();
  /** Resolves when it is known whether this is a worker; undefined from then on. */
  #ready: ((is: boolean) => void) | undefined;
  /** Those who wait for answers, in the order of their calls. */
  readonly #waiting: Waiting[] = [];
  #ended = false;
  #retiring = false;
  #plainWouldDo = false;
  #onFree: () => void = () => {};
  #onGone: (crashed: boolean) => void = () => {};

  private constructor(child: Child, answers: number, calls: number) {
    this.#child = child;
    this.#calls = calls;
    // One buffer for all answers: most have a few bytes, and a new one for each would cost more than reading it.
    const onread = {
      buffer: Buffer.allocUnsafe(READ_SIZE),
      callback: (length: number, buffer: Uint8Array) => {
        this.#hear(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        return true;
      },
    };
    const options = { fd: answers, readable: true, writable: false, onread };
    this.#answers = new Socket(options); // net.connect's documents say onread; Socket's types do not
    this.#answers.on('error', () => this.end());
    this.#answers.on('end', () => this.end());
    this.#answers.on('close', () => this.end());
    this.#answers.resume();
  }

  /**
   * Starts one, in a process group of its own. Resolves to undefined when it cannot be started or does not
   * say in time that it is a worker: a C program of that name, for instance.
   */
  static async start(request: WorkerRequest, readyMs: number): Promise<Worker | undefined> {
    const worker = await Worker.#spawn(request).catch(() => undefined);
    if (worker === undefined) return undefined;
    const timer = setTimeout(() => worker.end(), readyMs);
    const ready = await new Promise<boolean>((resolve) => {
      worker.#ready = resolve;
      if (worker.#ended) resolve(false);
    });
    clearTimeout(timer);
    if (ready) return worker;
    worker.end();
    return undefined;
  }

  static async #spawn(request: WorkerRequest): Promise<Worker> {
    const [answers, theirAnswers] = socketpair();
    const [calls, theirCalls] = messagePair();
    try {
      // In the places of ANSWERS_FD and CALLS_FD.
      const stdio = ['ignore', 'ignore', 'ignore', theirAnswers, theirCalls] as const;
      const child = await spawn({ ...request, stdio, detached: true });
      return new Worker(child, answers, calls);
    } catch (error) {
      closeSync(answers);
      closeSync(calls);
      throw error;
    } finally {
      closeSync(theirAnswers);
      closeSync(theirCalls);
    }
  }

  /**
   * Says what is to happen when no call is under way and another may be made, and when none ever may be again:
   * `crashed` if one was under way.
   */
  follow(onFree: () => void, onGone: (crashed: boolean) => void): void {
    this.#onFree = onFree;
    this.#onGone = onGone;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** True when the last call that had three files could have done without. */
  get plainWouldDo(): boolean {
    return this.#plainWouldDo;
  }

  /**
   * Begins a call with the open files for its fd 0, 1 and 2; they have been passed on when this returns.
   * Resolves to how it ended; a worker that is gone before is a killed process. Undefined when nothing
   * has been begun; then the worker is free, or is not to be used any more.
   */
  begin(call: Call, files: readonly [number, number, number]): Promise<Exit> | undefined {
    return this.#send(call, files, (answer) => {
      if (answer === undefined) return CRASHED;
      this.#plainWouldDo = (answer.flags & FLAGS.plain) !== 0;
      return { code: answer.code };
    });
  }

  /** The same without fd 1 and 2, and with `input`, or nothing, to read from. Several may be under way. */
  ask(call: Call, input: number | undefined): Promise<Called> | undefined {
    return this.#send(call, input === undefined ? [] : [input], (answer) => {
      if (answer === undefined) return { exit: CRASHED, output: '', needsFiles: false };
      const { code, flags, output } = answer;
      return { exit: { code }, output, needsFiles: (flags & FLAGS.files) !== 0 };
    });
  }

  #send<Result>(
    call: Call,
    files: readonly number[],
    result: (answer: Answer | undefined) => Result,
  ): Promise<Result> | undefined {
    if (this.#ended) return undefined;
    try {
      if (!sendMessage(this.#calls, encodeCall(call), files)) {
        if (this.#waiting.length === 0) setImmediate(() => this.#settle());
        return undefined;
      }
    } catch {
      this.end();
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push((answer) => resolve(result(answer)));
    });
  }

  /** Lets it go: it sees the end of its calls, and is killed if that does not end it. Once is enough. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    closeSync(this.#calls);
    this.#answers.destroy();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END);
    void this.#child.exited.then(() => clearTimeout(timer));
    this.#ready?.(false);
    const unanswered = this.#waiting.splice(0);
    for (const waiting of unanswered) waiting(undefined);
    this.#onGone(unanswered.length > 0);
  }

  #hear(chunk: Buffer): void {
    if (this.#ready !== undefined) {
      const ready = this.#ready;
      this.#ready = undefined;
      ready(chunk.length === 1 && chunk[0] === READY_BYTE);
      return;
    }
    let answers: Answer[];
    try {
      answers = this.#decoder.push(chunk);
    } catch {
      this.end();
      return;
    }
    for (const answer of answers) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) {
        this.end(); // it speaks without being asked
        return;
      }
      if ((answer.flags & FLAGS.more) === 0) this.#retiring = true;
      waiting(answer);
    }
    if (answers.length > 0) this.#settle();
  }

  /** After the last answer it is free again, unless it has asked to be let go. */
  #settle(): void {
    if (this.#ended || this.#waiting.length > 0) return;
    if (this.#retiring) this.end();
    else this.#onFree();
  }
}
