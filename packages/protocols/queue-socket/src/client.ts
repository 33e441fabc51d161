// The way into the queue for every program that makes messages (smtpd, inject, send's bounces, local's
// forwards): $QMAILQUEUE if set, else the queue socket if somebody serves it, else bin/qmail-queue.

import { join } from 'node:path';
import { Temporary } from '@q/fault';
import { isExecutable } from '@q/fsx';
import { QueueExit, queueExitText } from './exit-text.ts';
import { startProgram } from './program-transport.ts';
import { SocketPool } from './socket-transport.ts';
import { type QueueWriter, queueWriter, type RawQueueWriter, type Transport } from './writer.ts';

export interface QueueOptions {
  /** QMAILHOME: where run/queue.socket and bin/qmail-queue are, and the directory programs start in. */
  readonly home: string;
  /** Its QMAILQUEUE chooses the program; the whole of it is that program's environment. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** 'oneshot' keeps no connection between messages. Default 'resident'. */
  readonly program?: 'resident' | 'oneshot';
  /** fd 2 of programs started. Default: our own, unless that is the client's connection. */
  readonly stderr?: number;
}

export interface Queue {
  /**
   * Begins a message. Throws Temporary when no way into the queue exists now; its message is the text
   * for the caller's peer, its exitCode the code. `env` replaces the queue's own for this message: a
   * resident server's sessions have an environment each (tcprules), but share connections.
   */
  open(env?: Readonly<NodeJS.ProcessEnv>): Promise<QueueWriter>;
  /** Ends idle connections. Messages under way are not disturbed. */
  close(): void;
}

/** Opens the way into the queue of `home`. Does nothing yet; idle connections never keep the process alive. */
export function connectQueue(options: QueueOptions): Queue {
  const { home } = options;
  const pool = new SocketPool(queueSocketPath(home), options.program === 'oneshot' ? 0 : undefined);
  const fallback = join(home, 'bin/qmail-queue');

  async function open(env = options.env): Promise<QueueWriter> {
    const filter = env.QMAILQUEUE;
    if (filter !== undefined)
      return queueWriter(() => startProgram(filter, home, env, options.stderr));
    try {
      await pool.reach();
    } catch (unreachable) {
      if (!isExecutable(fallback)) throw refusal(unreachable);
    }
    return queueWriter(() => socketElseProgram(env));
  }

  /** The server may have gone since `open`, or come. */
  async function socketElseProgram(env: Readonly<NodeJS.ProcessEnv>): Promise<Transport> {
    try {
      return await pool.take();
    } catch (unreachable) {
      if (!isExecutable(fallback)) throw refusal(unreachable);
      return startProgram(fallback, home, env, options.stderr);
    }
  }

  return { open, close: () => pool.close() };
}

/** A writer that knows only the socket: for qmail-queue itself, run by who has no rights on the queue. */
export function openSocketWriter(path: string): RawQueueWriter {
  const pool = new SocketPool(path, 0);
  return queueWriter(() => pool.take());
}

/** Where the resident qmail-queue listens. */
export function queueSocketPath(home: string): string {
  return join(home, 'run/queue.socket');
}

function refusal(cause: unknown): Temporary {
  const text = queueExitText({ code: QueueExit.NO_EXEC }).slice(1);
  return new Temporary(text, { cause, exitCode: QueueExit.NO_EXEC });
}
