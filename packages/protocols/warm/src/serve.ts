// The worker's side: a program's main function, called again and again by one caller. To main it looks
// like a process of its own: its arguments, its environment, its fd 0, 1 and 2.
//
// The process stands still between calls (recvmsg), so that a call costs it no turn of the event loop.

import { closeSync, openSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { faultOf, Permanent } from '@q/fault';
import { dup2, isOpen, type Message, receiveMessage, setCloseOnExec } from '@q/posix';
import type { Invocation } from '@q/proc';
import {
  ANSWERS_FD,
  type Answer,
  CALLS_FD,
  decodeCall,
  encodeAnswer,
  FILES,
  FLAGS,
  READY_BYTE,
} from './call.ts';
import { CALL_MAX, CALLS, GROWTH, LONG_CALL, TOGETHER } from './limits.ts';

/** Where a call reads and prints. */
export interface CallFiles {
  readonly input: number;
  /** Prints to fd 1 or 2. */
  print(fd: 1 | 2, bytes: Buffer): void;
  /** No fd 1 and 2 for what it starts: NeedsFiles, thrown before anything has been done, brings them. */
  readonly plain: boolean;
  /** No other call is under way: waiting keeps nobody up. */
  readonly alone: boolean;
  /** To be called when it has three files and needed one. */
  plainWouldDo(): void;
}

/** Thrown by a call that must not go on without fd 1 and 2. */
export class NeedsFiles extends Error {}

type Main = (invocation: Invocation, files: CallFiles) => Promise<number> | number;

/**
 * Serves calls until the caller is gone; resolves to its exit code. A call that runs when the caller goes is
 * finished. Throws Permanent when nobody is there to call.
 */
export async function serveCalls(started: Invocation, main: Main): Promise<number> {
  for (const fd of [ANSWERS_FD, CALLS_FD]) {
    if (!isOpen(fd)) throw new Permanent('a worker is started by the program that uses it');
    setCloseOnExec(fd, true); // no program that a call starts may have them
  }
  const desk = new Desk(started, main);
  if (!say(Buffer.of(READY_BYTE))) return 0;
  const calls = new Calls();
  for (let batch = calls.next(); batch.length > 0; batch = calls.next()) {
    const answers = await desk.performAll(batch);
    if (!say(Buffer.concat(answers.map(encodeAnswer)))) return 0;
  }
  return 0;
}

/** False when the caller is gone. */
function say(bytes: Buffer): boolean {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(ANSWERS_FD, bytes, at);
    return true;
  } catch {
    return false;
  }
}

/** A call as it came. */
interface Received {
  readonly call: ReturnType<typeof decodeCall>;
  readonly fds: readonly number[];
}

class Calls {
  readonly #buffer = Buffer.allocUnsafe(CALL_MAX);
  #held: Received | undefined;

  /** What is to be done next: a call of its own, or those that may go together. Empty at the end. */
  next(): readonly Received[] {
    const first = this.#held ?? this.#receive(true);
    this.#held = undefined;
    if (first === undefined) return [];
    const batch = [first];
    while (!hasAll(first) && batch.length < TOGETHER) {
      const another = this.#receive(false);
      if (another === undefined) break;
      if (hasAll(another)) {
        this.#held = another;
        break;
      }
      batch.push(another);
    }
    return batch;
  }

  #receive(wait: boolean): Received | undefined {
    for (;;) {
      const message = receiveMessage(CALLS_FD, this.#buffer, { wait });
      if (message === 'end' || (message === 'none' && !wait)) return undefined;
      if (message !== 'none') return received(message);
    }
  }
}

function received({ bytes, fds }: Message): Received {
  return { call: decodeCall(bytes), fds };
}

function hasAll({ fds }: Received): boolean {
  return fds.length === FILES;
}

/** Where calls are made, and what is the same before each of them. */
class Desk {
  readonly #started: Invocation;
  readonly #main: Main;
  readonly #directory = process.cwd();
  readonly #umask = process.umask();
  readonly #nothing = openSync('/dev/null', 'r+');
  #calls = 0;
  #firstSize = 0;
  #spoilt = false;

  constructor(started: Invocation, main: Main) {
    this.#started = started;
    this.#main = main;
  }

  /** The answers, in the order of the calls. */
  async performAll(batch: readonly Received[]): Promise<Answer[]> {
    const begun = performance.now();
    const [first] = batch;
    let answers: Answer[];
    if (first !== undefined && hasAll(first)) answers = [await this.#withAll(first)];
    else if (first !== undefined && batch.length === 1) answers = [await this.#plain(first, true)];
    else answers = await Promise.all(batch.map((one) => this.#plain(one, false)));
    this.#clear();
    if (performance.now() - begun > LONG_CALL) this.#spoilt = true;
    const more = this.#fit(batch.length) ? FLAGS.more : 0;
    return answers.map((answer) => ({ ...answer, flags: answer.flags | more }));
  }

  async #withAll({ call, fds }: Received): Promise<Answer> {
    let flags = 0;
    for (const [i, fd] of fds.entries()) {
      dup2(fd, i);
      closeSync(fd);
    }
    const code = await this.#run(call, {
      input: 0,
      print: writeAll,
      plain: false,
      alone: true,
      plainWouldDo: () => {
        flags |= FLAGS.plain;
      },
    });
    for (let fd = 0; fd < FILES; fd++) dup2(this.#nothing, fd);
    return { code, flags, output: '' };
  }

  async #plain({ call, fds }: Received, alone: boolean): Promise<Answer> {
    let output = '';
    const print = (_fd: 1 | 2, bytes: Buffer) => {
      output += bytes.toString('latin1');
    };
    const input = fds[0] ?? this.#nothing;
    try {
      const files = { input, print, plain: true, alone, plainWouldDo: () => {} };
      return { code: await this.#run(call, files), flags: 0, output };
    } catch {
      return { code: 0, flags: FLAGS.files, output: '' };
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  }

  /** The exit code. Throws NeedsFiles and nothing else. */
  async #run({ args, env }: Received['call'], files: CallFiles): Promise<number> {
    const { program, env: own } = this.#started;
    try {
      return await this.#main({ program, args, options: {}, env: env ?? own }, files);
    } catch (error) {
      if (error instanceof NeedsFiles && files.plain) throw error;
      const fault = faultOf(error, 'internal error');
      files.print(2, Buffer.from(`${basename(program)}: fatal: ${fault.message}\n`));
      return fault.exitCode;
    }
  }

  /** True when another call may be made here. */
  #fit(calls: number): boolean {
    const first = this.#calls === 0;
    this.#calls += calls;
    const size = process.resourceUsage().maxRSS * 1024;
    if (first) this.#firstSize = size;
    return !this.#spoilt && this.#calls < CALLS && size - this.#firstSize < GROWTH;
  }

  /** Nothing of a call is left for the next: not its files, not its directory, not its umask. */
  #clear(): void {
    try {
      process.umask(this.#umask);
      process.chdir(this.#directory);
    } catch {
      this.#spoilt = true;
    }
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  } catch {
    // Nobody listens there; the exit code tells.
  }
}
