// A client's end of one queue socket connection: sends bytes with backpressure, hands out answers.

import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, faultOf, Temporary } from '@q/fault';
import { Alarm } from '@q/net';
import { QueueExit } from './exit-text.ts';
import { CONNECT_SECONDS, SERVER_SECONDS } from './limits.ts';
import { type Answer, AnswerDecoder } from './wire.ts';

const RETRY_MS = 50;

/**
 * How a connection ended without an answer. On a unix socket the kernel tells them apart: EPIPE and
 * ECONNRESET mean that the server closed before it had read all we sent, so a request whose last byte
 * was among it is not queued; a plain end means it had read everything, and may have queued it.
 */
export type Lost = { readonly lost: 'nothing-queued' | 'unknown' };

export class Connection {
  readonly #socket: Socket;
  #answer: Answer | undefined;
  #lost: Lost | undefined;
  #wake: () => void = () => {};
  /** An idle connection, and what is left of its waits, do not keep the process alive; one in use does by itself. */
  readonly #alarm = new Alarm(() => this.#wake(), false);
  #idle = false;
  /** How many requests it has carried, or waited for in the pool. */
  uses = 0;
  /** Called once when an idle connection has ended. */
  onIdleEnd: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    const decoder = new AnswerDecoder((answer) => {
      if (this.#answer !== undefined || this.#idle) throw new Temporary('an answer to nothing');
      this.#answer = answer;
      this.#wake();
    });
    socket.on('data', (chunk) => {
      try {
        decoder.push(chunk);
      } catch {
        this.#end('unknown');
        socket.destroy();
      }
    });
    socket.on('error', (error) => {
      const unread = ['EPIPE', 'ECONNRESET'].includes(errnoOf(error) ?? '');
      this.#end(unread ? 'nothing-queued' : 'unknown');
    });
    socket.on('end', () => this.#end('unknown'));
    socket.on('close', () => this.#end('unknown'));
  }

  /** True when an answer has come, or none ever will: sending more is pointless. */
  get settled(): boolean {
    return this.#answer !== undefined || this.#lost !== undefined;
  }

  /** Sends; resolves when the kernel has it all, or the request is settled. Never rejects. */
  async send(pieces: readonly Buffer[]): Promise<void> {
    if (this.settled) return;
    let written = 0;
    const done = () => {
      if (++written === pieces.length) this.#wake();
    };
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece, done);
    this.#socket.uncork();
    await this.#wait(() => this.settled || written === pieces.length);
  }

  /** Sends what answer() then waits for. */
  post(bytes: Buffer): void {
    if (!this.settled) this.#socket.write(bytes);
  }

  /** The answer to the request that was sent. */
  async answer(): Promise<Answer | Lost> {
    await this.#wait(() => this.settled);
    return this.#answer ?? (this.#lost as Lost);
  }

  /** Takes it out of the idle state. False when it has ended meanwhile. */
  begin(): boolean {
    this.#idle = false;
    if (this.#lost !== undefined) return false;
    this.#socket.ref();
    return true;
  }

  /** Makes it idle after a whole request has been answered: it no longer keeps the process alive. */
  rest(): void {
    this.uses++;
    this.#answer = undefined;
    this.#idle = true;
    this.#socket.unref();
    if (this.#lost !== undefined) this.onIdleEnd();
  }

  destroy(): void {
    this.#idle = false;
    this.#socket.destroy();
  }

  #end(lost: Lost['lost']): void {
    this.#lost ??= { lost };
    this.#alarm.end();
    this.#wake();
    if (!this.#idle) return;
    this.destroy();
    this.onIdleEnd();
  }

  /** Waits for the server, which may be stuck with its disk, but not for ever. */
  async #wait(condition: () => boolean): Promise<void> {
    const until = Date.now() + SERVER_SECONDS * 1000;
    while (!condition()) {
      if (Date.now() >= until) {
        this.#end('unknown'); // which settles whatever is waited for
        this.#socket.destroy();
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#alarm.set(until);
      });
    }
  }
}

/**
 * Connects to a unix socket. Throws Temporary with exit code 56 when nobody serves there, 72 when the
 * backlog stays full.
 */
export async function connect(path: string): Promise<Connection> {
  const deadline = Date.now() + CONNECT_SECONDS * 1000;
  for (;;) {
    try {
      return new Connection(await connected(path));
    } catch (error) {
      const full = errnoOf(error) === 'EAGAIN';
      if (!full || Date.now() > deadline) {
        const { message } = faultOf(error, 'unable to connect to the queue socket');
        const exitCode = full ? QueueExit.CONNECT_TIMEOUT : QueueExit.NETWORK;
        throw new Temporary(message, { cause: error, exitCode });
      }
    }
    await sleep(RETRY_MS);
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
