// POP3 for a test: the service, and a client.

import { connect, type Socket } from 'node:net';
import type { KeyPair } from '@q/tls';
import { type MailHost, startMailHost } from './mail-host.ts';
import { until } from './processes.ts';

export { DOMAIN, OWNER_UID } from './mail-host.ts';
export type Pop3Host = MailHost;

export function startPop3Host(
  mode: 'private' | 'root',
  words: readonly string[] = [],
  keys?: KeyPair,
): Promise<Pop3Host> {
  return startMailHost({ program: 'qmail-pop3d', mode, words, keys });
}

/** A client that speaks in whole dialogues. */
export class PopClient {
  protected readonly socket: Socket;
  #received = '';
  #closed = false;

  protected constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#closed = true;
    });
  }

  /** Connects and waits for the greeting. */
  static async open(port: number, host = '127.0.0.1'): Promise<PopClient> {
    const client = new PopClient(connect(port, host));
    await client.until('\r\n');
    return client;
  }

  /** Sends lines and gives what came until `end`, or until the server hung up. */
  say(lines: string, end = '\r\n'): Promise<string> {
    this.socket.write(lines.replaceAll('\n', '\r\n'), 'latin1');
    return this.until(end);
  }

  async until(end: string): Promise<string> {
    await until(`the server says ${JSON.stringify(end)}`, () => {
      return this.#closed || this.#received.endsWith(end);
    });
    const got = this.#received;
    this.#received = '';
    return got;
  }

  /** Sends lines and gives all that comes until the server hangs up. */
  async finish(lines: string): Promise<string> {
    this.socket.write(lines.replaceAll('\n', '\r\n'), 'latin1');
    await this.closed();
    return this.#received;
  }

  async closed(): Promise<void> {
    await until('the server hangs up', () => this.#closed);
  }

  destroy(): void {
    this.socket.destroy();
  }
}
