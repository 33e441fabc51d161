// IMAP as a test types it: text out, and what comes back as text, latin1 both ways.

import { connect, type Socket } from 'node:net';
import type { KeyPair } from '@q/tls';
import { until } from './processes.ts';
import { openTls, upgradedToTls } from './tls-client.ts';

export class ImapTalk {
  readonly socket: Socket;
  #heard = '';
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#closed = true;
    });
  }

  /** Connects, and has heard the greeting. */
  static async open(port: number, localAddress?: string): Promise<ImapTalk> {
    const talk = new ImapTalk(connect({ port, host: '127.0.0.1', localAddress }));
    await talk.until(/^\* .*\r\n/);
    return talk;
  }

  /** The same over TLS. */
  static async openTls(port: number): Promise<ImapTalk> {
    const talk = new ImapTalk(openTls(port));
    await talk.until(/^\* .*\r\n/);
    return talk;
  }

  /** After STARTTLS; `behind` is sent in clear in the same packet as the command. `pair`: our certificate. */
  static async startTls(port: number, behind = '', pair?: KeyPair): Promise<ImapTalk> {
    const begin = `s STARTTLS\r\n${behind}`;
    return new ImapTalk(await upgradedToTls(port, begin, /^s OK .*\r\n$/, pair));
  }

  /** Sends text as it is, but for LF, which becomes CRLF. */
  send(text: string): void {
    this.socket.write(text.replaceAll('\n', '\r\n'), 'latin1');
  }

  /** Sends bytes as they are. */
  sendRaw(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** What has come, up to where it matches, or all when the server hung up. */
  async until(pattern: RegExp): Promise<string> {
    await until(`the server says ${pattern}`, () => this.#closed || pattern.test(this.#heard));
    const match = pattern.exec(this.#heard);
    const end = match === null ? this.#heard.length : match.index + match[0].length;
    const got = this.#heard.slice(0, end);
    this.#heard = this.#heard.slice(end);
    return got;
  }

  /** Sends commands, the last of which has this tag; what came up to its answer. */
  say(lines: string, tag: string): Promise<string> {
    this.send(lines);
    return this.until(new RegExp(`(?:^|\\n)${tag} (?:OK|NO|BAD).*\\r\\n`));
  }

  /** Sends text and gives all that comes until the server hangs up. */
  async finish(lines: string): Promise<string> {
    this.send(lines);
    await this.closed();
    return this.#heard;
  }

  async closed(): Promise<void> {
    await until('the server hangs up', () => this.#closed);
  }

  destroy(): void {
    this.socket.destroy();
  }
}
