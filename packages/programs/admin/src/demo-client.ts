// A client's view of the protocols of mail, as small as the demonstration allows: lines, and bytes that are counted.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Temporary } from '@q/fault';

/** How long anything may take here, in milliseconds: a fresh machine compiles and pages for a while. */
export const PATIENCE = 60_000;

/** Talks with a server on loopback; with `trusted`, its certificate in PEM, over TLS. */
export async function withClient<T>(
  port: number,
  talk: (client: Client) => Promise<T>,
  trusted?: string,
): Promise<T> {
  const at = { host: '127.0.0.1', port };
  const client = new Client(
    trusted === undefined ? connect(at) : connectTls({ ...at, ca: trusted }),
  );
  try {
    return await talk(client);
  } finally {
    client.close();
  }
}

/** Lines to and from a server. */
export class Client {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  #held = '';

  constructor(socket: Socket) {
    this.#socket = socket.setTimeout(PATIENCE, () => socket.destroy(new Error('timed out')));
    socket.on('error', () => {});
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  close(): void {
    this.#socket.destroy();
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#held.slice(0, end);
        this.#held = this.#held.slice(end + 2);
        return line;
      }
      await this.#more();
    }
  }

  /** Bytes, as latin1. */
  async octets(count: number): Promise<string> {
    while (this.#held.length < count) await this.#more();
    const taken = this.#held.slice(0, count);
    this.#held = this.#held.slice(count);
    return taken;
  }

  async expect(start: string): Promise<string> {
    const line = await this.line();
    if (!line.startsWith(start)) throw new Temporary(`unexpected answer: ${line}`);
    return line;
  }

  send(command: string): void {
    this.#socket.write(Buffer.from(`${command}\r\n`, 'latin1'));
  }

  ask(command: string, start: string): Promise<string> {
    this.send(command);
    return this.expect(start);
  }

  /** The lines up to the lone dot, un-stuffed, each with CRLF. */
  async multiline(): Promise<string> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === '.') return lines.map((text) => `${text}\r\n`).join('');
      lines.push(line.startsWith('.') ? line.slice(1) : line);
    }
  }
  async #more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done === true) throw new Temporary('connection lost');
    this.#held += next.value.toString('latin1');
  }
}
