// The processes of a resident service: our own executable started again, with Node's IPC channel as its only
// tie to the parent. The first message over it says which part the child plays.

import { type ChildProcess, spawn } from 'node:child_process';
import { faultOf, Temporary } from '@q/fault';
import type { Invocation } from '@q/proc';
import { type HeldSocket, heldSocketOf, parseEndpoint, sendSocket } from '@q/session';
import { CHANNEL_END_TIMEOUT, MALLOC } from './limits.ts';

/** What a child's first message must be: the name of its part, and whatever that part wants to know. */
export interface FirstMessage {
  readonly role: string;
}

/** How children are started. */
export interface ChildPlaces {
  /** Our own executable. */
  readonly program: string;
  /** The child's whole environment. */
  readonly env: NodeJS.ProcessEnv;
}

/** The parent's side of a child. */
export interface ServiceChild {
  /** Its exit code; 111 when it was killed or broke down before it ran. All that it said has been heard then. */
  readonly exited: Promise<number>;
  /** Texts are JSON. A child that is gone hears nothing, and that is no error: `exited` tells. */
  tell(message: object): void;
  /** Sends a connection with a message. Our copy stays open; whether it arrived only the child's answer tells. */
  pass(message: object, held: HeldSocket): void;
  /** `held`: the connection that came along. */
  onMessage(hear: (message: unknown, held: HeldSocket | undefined) => void): void;
  kill(signal: NodeJS.Signals): void;
  /** Closes the channel: the child sees that nothing more will come. */
  letGo(): void;
}

/** The exit code of a child that was killed: what a supervisor takes for "try again". */
const KILLED = 111;

/**
 * Starts a child as what we are, in /, with nothing open but descriptor 2 and `fds`, which become its 4, 5 and so
 * on. Throws Temporary when there is no process or no descriptor left for it: one client's bad luck, no more.
 */
export function startChild(
  { program, env }: ChildPlaces,
  first: FirstMessage,
  fds: readonly number[] = [],
): ServiceChild {
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [program], {
      cwd: '/',
      env: { ...env, ...MALLOC },
      stdio: ['ignore', 'ignore', 2, 'ipc', ...fds],
      serialization: 'json',
    });
  } catch (error) {
    throw faultOf(error, 'unable to start a process');
  }
  const exited = exitOf(child);
  // Out of descriptors (EMFILE, ENFILE) there is not even a channel; the error event comes too late to wait for.
  if (child.pid === undefined || child.send === undefined) {
    if (child.connected) child.disconnect();
    throw new Temporary('unable to start a process: out of descriptors or processes');
  }
  const tell = (message: object) => {
    if (child.connected) child.send(message, () => {});
  };
  tell(first);
  return {
    exited,
    tell,
    pass: (message, held) => void sendSocket(child, message, held).catch(() => {}),
    onMessage: (hear) =>
      void child.on('message', (message, handle) => hear(message, heldSocketOf(handle))),
    kill: (signal) => void child.kill(signal),
    letGo: () => {
      if (child.connected) child.disconnect();
    },
  };
}

/** The addresses as a child must be told them: where one is fd:N, `fds` gets N and the child its own number. */
export function movedAddresses(addresses: readonly string[], fds: number[]): readonly string[] {
  return addresses.map((address) => {
    const at = parseEndpoint(address);
    return at.kind === 'fd' ? `fd:${FIRST_FD + fds.push(at.fd) - 1}` : address;
  });
}

/** In a child: what follows stdin, stdout, stderr and the channel. */
const FIRST_FD = 4;

/** True in a process that startChild() started: only it gives one an IPC channel. */
export function isServiceChild(): boolean {
  return process.channel !== undefined;
}

/** What a child does once it knows its part; resolves to the exit code. */
export type Role = (config: FirstMessage, env: Invocation['env']) => Promise<number>;

/** The entrance of children. Resolves to the exit code; throws Temporary when the parent is gone at once. */
export async function serviceChild(
  { env }: Pick<Invocation, 'env'>,
  roles: Readonly<Record<string, Role>>,
): Promise<number> {
  const config = await new Promise<FirstMessage>((resolve, reject) => {
    process.once('message', resolve as (message: unknown) => void);
    process.once('disconnect', () => reject(new Temporary('parent is gone')));
  });
  const role = roles[config.role];
  if (role === undefined) throw new Temporary(`no part of this service: ${config.role}`);
  const code = await role(config, env);
  if (process.connected) process.disconnect();
  return code;
}

/** In a child: says something to the parent; resolves when it is written. A parent that is gone is met as 'disconnect'. */
export function tellParent(message: object): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      const over = () => resolve(code ?? KILLED);
      if (!child.connected) return over();
      // What it said last may still lie in the channel, whose end is told apart from the child's.
      const late = setTimeout(over, CHANNEL_END_TIMEOUT);
      child.once('disconnect', () => {
        clearTimeout(late);
        over();
      });
    });
    // Once would leave a second one to end the process: a channel that breaks has its own.
    child.on('error', () => resolve(KILLED));
  });
}
