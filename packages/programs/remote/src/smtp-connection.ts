// SMTP as a client speaks it: command lines out, replies in. RFC 5321 section 4.

import { bytesOf } from '@q/bytes';
import { type Reply, ReplyParser } from '@q/smtp';
import { type Connection, ConnectionDied } from './connection.ts';

export class SmtpConnection {
  readonly wire: Connection;
  /** What EHLO announced, upper case; empty for a server that only knows HELO. */
  extensions: ReadonlySet<string> = new Set();
  readonly #parser = new ReplyParser();
  readonly #replies: Reply[] = [];

  constructor(wire: Connection) {
    this.wire = wire;
  }

  get address(): string {
    return this.wire.address;
  }

  /** The server has said nothing that nobody asked for. */
  get quiet(): boolean {
    return this.#replies.length === 0 && this.#parser.atBoundary;
  }

  /** Sends one command line (latin1, without its CR LF) and waits for the reply, for `seconds` at most. */
  async command(line: string, seconds?: number): Promise<Reply> {
    await this.say([line]);
    return this.reply(seconds);
  }

  /** Sends command lines in one write. */
  say(lines: readonly string[]): Promise<void> {
    return this.wire.send(bytesOf(lines.map((line) => `${line}\r\n`).join('')));
  }

  /** The next reply. Throws ConnectionDied. */
  async reply(seconds?: number): Promise<Reply> {
    const deadline = this.wire.deadline(seconds);
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      this.#replies.push(...this.#parse(await this.wire.read(deadline)));
    }
  }

  quit(): Promise<void> {
    return this.wire.end('QUIT\r\n');
  }

  #parse(chunk: Buffer): Reply[] {
    try {
      return this.#parser.push(chunk);
    } catch {
      throw new ConnectionDied('a reply without end');
    }
  }
}
