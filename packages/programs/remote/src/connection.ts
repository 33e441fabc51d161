// A client's end of an SMTP connection: commands out, replies in, everything with a limit in time.

import type { Socket } from 'node:net';
import { bytesOf } from '@q/bytes';
import { type Reply, ReplyParser } from '@q/smtp';
import { QUIT_MS } from './limits.ts';

/** The connection broke, or the server kept us waiting too long, or it talks without end. */
export class ConnectionDied extends Error {
  override readonly name = 'ConnectionDied';
  readonly timedOut: boolean;

  constructor(what: string, timedOut = false) {
    super(what);
    this.timedOut = timedOut;
  }
}

export class SmtpConnection {
  /** The server's address, as reports name it. */
  readonly address: string;
  readonly #socket: Socket;
  readonly #milliseconds: number;
  readonly #parser = new ReplyParser();
  readonly #replies: Reply[] = [];

  /** `seconds` is what a whole reply, or the progress of a write, may take. */
  constructor(socket: Socket, address: string, seconds: number) {
    this.address = address;
    this.#socket = socket;
    this.#milliseconds = seconds * 1000;
    socket.on('error', () => {}); // reading and writing notice that it is gone
  }

  /** Sends one command line (latin1, without its CR LF) and waits for the reply. */
  async command(line: string): Promise<Reply> {
    await this.send(bytesOf(`${line}\r\n`));
    return this.reply();
  }

  /** The next reply. Throws ConnectionDied. */
  async reply(): Promise<Reply> {
    const deadline = performance.now() + this.#milliseconds;
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      this.#replies.push(...this.#parse(await this.#read(deadline)));
    }
  }

  /** Writes; returns when there is room for more. Throws ConnectionDied. */
  async send(bytes: Buffer): Promise<void> {
    const deadline = performance.now() + this.#milliseconds;
    let more = this.#socket.write(bytes);
    while (!more) {
      if (this.#socket.destroyed) throw new ConnectionDied('the connection is closed');
      await this.#wait(['drain', 'close'], deadline);
      more = !this.#socket.writableNeedDrain;
    }
  }

  /** Says QUIT, does not wait for the answer, and closes. Never throws. */
  async quit(): Promise<void> {
    this.#socket.end('QUIT\r\n');
    const deadline = performance.now() + QUIT_MS;
    if (!this.#socket.writableFinished && !this.#socket.destroyed)
      await this.#wait(['finish', 'close'], deadline).catch(() => {});
    this.close();
  }

  close(): void {
    this.#socket.destroy();
  }

  #parse(chunk: Buffer): Reply[] {
    try {
      return this.#parser.push(chunk);
    } catch {
      throw new ConnectionDied('a reply without end');
    }
  }

  async #read(deadline: number): Promise<Buffer> {
    for (;;) {
      const chunk: unknown = this.#socket.read();
      if (chunk !== null) return chunk as Buffer;
      if (this.#socket.readableEnded || this.#socket.destroyed)
        throw new ConnectionDied('the connection is closed');
      await this.#wait(['readable', 'end', 'close'], deadline);
    }
  }

  #wait(events: readonly string[], deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = Math.max(0, deadline - performance.now());
      const timer = setTimeout(() => settle(new ConnectionDied('timed out', true)), left);
      const onEvent = () => settle();
      const settle = (error?: ConnectionDied) => {
        clearTimeout(timer);
        for (const event of events) this.#socket.removeListener(event, onEvent);
        if (error === undefined) resolve();
        else reject(error);
      };
      for (const event of events) this.#socket.once(event, onEvent);
    });
  }
}
