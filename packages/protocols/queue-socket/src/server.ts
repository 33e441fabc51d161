// The server's end of one queue socket connection: see wire.ts for the format and for what happens
// after an error. What becomes of a message is the sink's business (programs/queue).

import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, isFault } from '@q/fault';
import { adoptSocket } from '@q/net';
import { QUEUE_ALARM } from '@q/queue-files';
import { ChunkReader } from './chunk-reader.ts';
import { QueueExit } from './exit-text.ts';
import { DISCARD_MAX, FLUSH_POLL_MS, FLUSH_SECONDS, IDLE_SECONDS } from './limits.ts';
import { type Answer, encodeAnswer, RequestDecoder, type RequestEvent } from './wire.ts';

/** A queued message: its number, and what stands for the pid. */
export interface Queued {
  readonly number: string;
  readonly qp: string;
}

/**
 * One message on its way into the queue. The calls come in the order written here and never overlap;
 * each may reject with a fault whose exitCode is qmail-queue's. Bytes given are lent until the call has
 * resolved.
 */
export interface QueueSink {
  write(bytes: Buffer): Promise<void>;
  endMessage(): Promise<void>;
  writeEnvelope(bytes: Buffer): Promise<void>;
  /** All of the envelope has come. When it resolves the message is on disk for good. */
  commit(): Promise<Queued>;
  /** Leaves nothing behind. Called after a rejection, a broken connection or a timeout; never rejects. */
  abort(): Promise<void>;
}

export interface QueueHandlers {
  /** A request begins; `ordinal` counts them from 1. Must not touch the disk: the first bytes do. */
  begin(ordinal: number): QueueSink;
  /** Told of what the administrator should know: trouble on this side, not the client's mistakes. */
  onFault?(error: unknown): void;
}

export interface ServeOptions {
  /** Aborted: the connection ends as soon as it is between two requests. */
  readonly closing?: AbortSignal;
  /** Aborted: it ends at once, unless a commit is under way, which is finished. */
  readonly cutting?: AbortSignal;
  readonly idleSeconds?: number;
  readonly messageSeconds?: number;
}

/** Serves a connection that has just been accepted, and takes its socket over: to its end. Never rejects. */
export async function serveQueueConnection(
  socket: Socket,
  handlers: QueueHandlers,
  options: ServeOptions = {},
): Promise<void> {
  const server = new ConnectionServer(socket, handlers, options);
  try {
    await server.run();
  } catch (error) {
    handlers.onFault?.(error);
  } finally {
    server.destroy();
  }
}

/** Answers with `code` whatever will be asked, and ends the connection. */
export async function refuse(socket: Socket, code: number): Promise<void> {
  socket.write(encodeAnswer({ code }));
  await flushed(socket, FLUSH_SECONDS);
  socket.destroy();
}

const CLIENT_MISTAKES: ReadonlySet<number> = new Set([
  QueueExit.ADDRESS_TOO_LONG,
  QueueExit.READ_ERROR,
  QueueExit.BAD_ENVELOPE,
]);

class ConnectionServer {
  readonly #socket: Socket;
  readonly #handlers: QueueHandlers;
  readonly #reader: ChunkReader;
  readonly #options: ServeOptions;
  readonly #decoder = new RequestDecoder();
  #sink: QueueSink | undefined;
  #ordinal = 0;
  /** Bytes of the failed request thrown away so far; undefined while the request is well. */
  #discarded: number | undefined;
  #deadline = 0;

  constructor(socket: Socket, handlers: QueueHandlers, options: ServeOptions) {
    const source = adoptSocket(socket);
    if (source === undefined) throw new TypeError('not a socket that has just been accepted');
    this.#socket = source.socket;
    this.#handlers = handlers;
    this.#options = options;
    this.#reader = new ChunkReader(source);
    options.closing?.addEventListener('abort', this.#reader.wake);
    options.cutting?.addEventListener('abort', this.#reader.wake);
  }

  async run(): Promise<void> {
    try {
      for (;;) {
        const chunk = await this.#next();
        if (chunk === undefined) return;
        let events: RequestEvent[];
        try {
          events = this.#decoder.push(chunk);
        } catch {
          if (this.#discarded === undefined) await this.#fail(QueueExit.BAD_ENVELOPE);
          return;
        }
        for (const event of events) {
          await this.#handle(event);
          if ((this.#discarded ?? 0) > DISCARD_MAX) return;
        }
      }
    } finally {
      this.#options.closing?.removeEventListener('abort', this.#reader.wake);
      this.#options.cutting?.removeEventListener('abort', this.#reader.wake);
      this.#reader.end();
      await this.#sink?.abort();
      await flushed(this.#socket, FLUSH_SECONDS);
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next chunk; undefined when the connection is over, whoever ended it. */
  async #next(): Promise<Buffer | undefined> {
    const { closing, cutting, idleSeconds = IDLE_SECONDS } = this.#options;
    const idle = this.#decoder.betweenRequests;
    if (idle) this.#deadline = 0;
    else if (this.#deadline === 0) this.#deadline = Date.now() + this.#messageSeconds * 1000;
    const until = idle ? Date.now() + idleSeconds * 1000 : this.#deadline;
    const over = () => cutting?.aborted === true || (idle && closing?.aborted === true);
    let chunk: Buffer | undefined | 'timeout';
    // A client that never stops sending would otherwise never be looked at again.
    if (!idle && Date.now() >= until) chunk = 'timeout';
    else if (cutting?.aborted !== true) chunk = await this.#reader.next(until, over);
    if (chunk !== undefined && chunk !== 'timeout') return chunk;
    const answered = idle || this.#discarded !== undefined;
    if (!answered && chunk === 'timeout') await this.#fail(QueueExit.TIMEOUT);
    else if (!answered && over()) await this.#fail(QueueExit.SERVER_BUSY);
    return undefined;
  }

  get #messageSeconds(): number {
    return this.#options.messageSeconds ?? QUEUE_ALARM;
  }

  async #handle(event: RequestEvent): Promise<void> {
    if (this.#discarded !== undefined) {
      this.#discard(event);
      return;
    }
    try {
      this.#sink ??= this.#handlers.begin(++this.#ordinal);
      switch (event.kind) {
        case 'message':
          for (const piece of event.pieces) await this.#sink.write(piece);
          break;
        case 'end-of-message':
          await this.#sink.endMessage();
          break;
        case 'envelope':
          for (const piece of event.pieces) await this.#sink.writeEnvelope(piece);
          break;
        case 'end-of-request': {
          const queued = await this.#sink.commit();
          this.#sink = undefined;
          this.#deadline = 0;
          await this.#answer({ code: 0, ...queued });
          break;
        }
      }
    } catch (error) {
      const code = queueExitOf(error);
      if (!CLIENT_MISTAKES.has(code)) this.#handlers.onFault?.(error);
      await this.#fail(code);
      if (event.kind === 'end-of-request') this.#deadline = 0;
      else this.#discarded = 0;
    }
  }

  #discard(event: RequestEvent): void {
    if (event.kind === 'end-of-request') {
      this.#discarded = undefined;
      this.#deadline = 0;
    } else if ('pieces' in event) {
      const bytes = event.pieces.reduce((sum, piece) => sum + piece.length, 0);
      this.#discarded = (this.#discarded ?? 0) + bytes;
    }
  }

  async #fail(code: number): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    await sink?.abort();
    await this.#answer({ code });
  }

  /** A client that does not read its answers is not served on. Never rejects. */
  async #answer(answer: Answer): Promise<void> {
    if (this.#socket.destroyed || this.#socket.write(encodeAnswer(answer))) return;
    await flushed(this.#socket, IDLE_SECONDS);
    if (this.#socket.writableLength > 0) this.#socket.destroy();
  }
}

/**
 * qmail-queue's exit code for anything a sink throws: the fault's own, 51 for memory, 81 for what nobody
 * foresaw.
 */
export function queueExitOf(error: unknown): number {
  if (isFault(error) && error.exitCode !== 100 && error.exitCode !== 111) return error.exitCode;
  return errnoOf(error) === 'ENOMEM' ? QueueExit.NO_MEMORY : QueueExit.BUG;
}

/** Waits until everything written has gone to the kernel, the peer has gone, or `seconds` are over. */
async function flushed(socket: Socket, seconds: number): Promise<void> {
  const until = Date.now() + seconds * 1000;
  while (socket.writableLength > 0 && !socket.destroyed && Date.now() < until)
    await sleep(FLUSH_POLL_MS); // it seldom comes to this: an answer is a few bytes
}
