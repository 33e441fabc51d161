// The worker's side: a program's main function, called again and again by one caller. To main it looks
// like a process of its own: its arguments, its environment, its fd 0, 1 and 2.

import { closeSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { basename } from 'node:path';
import { faultOf, Permanent } from '@q/fault';
import { dup2, isOpen, receiveDescriptors, setCloseOnExec } from '@q/posix';
import type { Invocation } from '@q/proc';
import {
  CALLS_FD,
  type Call,
  CallDecoder,
  encodeAnswer,
  FILES,
  FILES_FD,
  READY_BYTE,
} from './call.ts';
import { CALLS, GROWTH, LONG_CALL } from './limits.ts';

type Main = (invocation: Invocation) => Promise<number> | number;

/**
 * Serves calls until the caller is gone or this process should be replaced; resolves to its exit code. A
 * call that runs when the caller goes is finished. Throws Permanent when nobody is there to call.
 */
export async function serveCalls(started: Invocation, main: Main): Promise<number> {
  for (const fd of [CALLS_FD, FILES_FD]) {
    if (!isOpen(fd)) throw new Permanent('a worker is started by the program that uses it');
    setCloseOnExec(fd, true); // no program that a call starts may have them
  }
  const socket = new Socket({ fd: CALLS_FD, readable: true, writable: true });
  socket.on('error', () => {}); // the caller is gone: the end of input says so too
  socket.write(Buffer.of(READY_BYTE));
  const desk = new Desk(started, main);
  for await (const call of callsOf(socket)) {
    const code = await desk.perform(call);
    const more = desk.fit();
    await new Promise<void>((done) => {
      socket.write(encodeAnswer(code, more), () => done());
    });
    if (!more) break;
  }
  return 0;
}

async function* callsOf(socket: Socket): AsyncGenerator<Call, void, undefined> {
  const decoder = new CallDecoder();
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) yield* decoder.push(chunk);
  } catch {
    // A broken socket is an ended one.
  }
}

/** Where calls are made, one after the other, and what is the same before each of them. */
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

  async perform(call: Call): Promise<number> {
    const begun = performance.now();
    this.#place(receiveDescriptors(FILES_FD, FILES));
    try {
      return await this.#run(call);
    } finally {
      this.#clear();
      if (performance.now() - begun > LONG_CALL) this.#spoilt = true;
    }
  }

  /** True when another call may be made here. */
  fit(): boolean {
    this.#calls++;
    const size = process.memoryUsage.rss();
    if (this.#calls === 1) this.#firstSize = size;
    return !this.#spoilt && this.#calls < CALLS && size - this.#firstSize < GROWTH;
  }

  async #run({ args, env }: Call): Promise<number> {
    const { program, env: own } = this.#started;
    try {
      return await this.#main({ program, args, options: {}, env: env ?? own });
    } catch (error) {
      const fault = faultOf(error, 'internal error');
      say(`${basename(program)}: fatal: ${fault.message}\n`);
      return fault.exitCode;
    }
  }

  #place(fds: readonly number[]): void {
    for (const [i, fd] of fds.entries()) {
      dup2(fd, i);
      closeSync(fd);
    }
  }

  /** Nothing of a call is left for the next: not its files, not its directory, not its umask. */
  #clear(): void {
    try {
      for (let fd = 0; fd < FILES; fd++) dup2(this.#nothing, fd);
      process.umask(this.#umask);
      process.chdir(this.#directory);
    } catch {
      this.#spoilt = true;
    }
  }
}

function say(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Nobody listens there; the exit code tells.
  }
}
