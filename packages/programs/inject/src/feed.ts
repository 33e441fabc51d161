// Runs a program with our standard input, and something put before it: what predate and mailsubj do.

import type { Duplex } from 'node:stream';
import { isFault, Temporary } from '@q/fault';
import { programBeside } from '@q/fsx';
import { type Child, type Invocation, spawn } from '@q/proc';
import { readInput } from './input.ts';

/**
 * Feeds `before` and then all of fd 0 to the program, and gives its exit code. Throws Temporary when it cannot be run or
 * crashes, and when fd 0 cannot be read: the program is killed then, or it would take half a message for a whole one.
 */
export async function feedProgram(
  file: string,
  args: readonly string[],
  before: Buffer,
  env: Invocation['env'],
): Promise<number> {
  const guard = new SignalGuard();
  try {
    const child = await start(file, args, env);
    guard.watch(child);
    await feed(child, before);
    const exit = await child.exited;
    if ('signal' in exit) throw new Temporary('child crashed');
    return exit.code;
  } finally {
    guard.stop();
  }
}

/** The program of this suite that goes with `program`. Throws Temporary when it is not there. */
export function ours(program: string, name: string): string {
  const file = programBeside(program, name);
  if (file === undefined) throw new Temporary(`unable to run ${name}: not found beside ${program}`);
  return file;
}

async function start(
  file: string,
  args: readonly string[],
  env: Invocation['env'],
): Promise<Child> {
  try {
    return await spawn({ file, args, env: { ...env }, stdio: ['pipe', 1, 2] });
  } catch (error) {
    const reason = isFault(error) ? error.message.replace(/^.*: /, '') : String(error);
    throw new Temporary(`unable to run ${file}: ${reason}`, { cause: error });
  }
}

async function feed(child: Child, before: Buffer): Promise<void> {
  const stream = child.stdio[0] as Duplex;
  try {
    await send(stream, before);
    for await (const block of readInput(0)) {
      if (stream.destroyed) return; // It has read enough; its exit code tells.
      await send(stream, block);
    }
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  stream.end();
}

/** Resolves when `bytes` may be used again. */
async function send(stream: Duplex, bytes: Buffer): Promise<void> {
  if (stream.destroyed) return;
  await new Promise<void>((done) => {
    stream.once('close', done);
    stream.write(bytes, () => {
      stream.off('close', done);
      done();
    });
  });
}

const DEADLY = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** A signal that ends us ends the program first, which would see the end of its input otherwise. */
class SignalGuard {
  #child: Child | undefined;
  #signal: NodeJS.Signals | undefined;

  /** To be made before the program is started: it may run before we are told so. */
  constructor() {
    for (const signal of DEADLY) process.on(signal, this.#end);
  }

  watch(child: Child): void {
    this.#child = child;
    if (this.#signal !== undefined) this.#end(this.#signal);
  }

  stop(): void {
    for (const signal of DEADLY) process.off(signal, this.#end);
  }

  readonly #end = (signal: NodeJS.Signals): void => {
    this.#signal = signal;
    if (this.#child === undefined) return;
    this.#child.kill('SIGKILL');
    this.stop();
    process.kill(process.pid, signal);
  };
}
