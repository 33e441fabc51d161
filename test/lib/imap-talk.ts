// IMAP as a test types it: text out, and what comes back as text, latin1 both ways.

import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyPair } from '@q/tls';
import { openTls, upgradedToTls } from './tls-client.ts';

const PATIENCE_MS = 120_000;

export class ImapTalk {
  readonly socket: Duplex;
  #heard = '';
  #closed = false;
  /** "more" when something came or the end did. */
  readonly #news = new EventEmitter();

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
      this.#news.emit('more');
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#closed = true;
      this.#news.emit('more');
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
    while (!this.#closed && !pattern.test(this.#heard)) {
      await once(this.#news, 'more', { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => {
        throw new Error(`waited in vain for ${pattern}: ${this.#heard.slice(-500)}`);
      });
      // A large answer is not looked through at every packet.
      await sleep(Math.min(25, this.#heard.length / 50_000));
    }
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
    while (!this.#closed)
      await once(this.#news, 'more', { signal: AbortSignal.timeout(PATIENCE_MS) });
  }

  destroy(): void {
    this.socket.destroy();
  }
}
