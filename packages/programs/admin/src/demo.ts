// Proof that an instance works: one message in by SMTP, the same out by POP3. A client's view of both
// protocols, as small as that allows.

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Temporary } from '@q/fault';
import type { DemoUser } from './instance.ts';

/** How long anything may take here, in milliseconds: a fresh machine compiles and pages for a while. */
const PATIENCE = 60_000;

export interface Delivered {
  /** The SMTP server's answer to the message. */
  readonly accepted: string;
  /** Size of the message as POP3 gave it, in bytes. */
  readonly octets: number;
}

/** Waits until something on loopback answers on `port` with a first line, which is returned. */
export async function awaitGreeting(port: number): Promise<string> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      const line = await withClient(port, (client) => client.line());
      return line;
    } catch (error) {
      if (Date.now() > deadline) {
        throw new Temporary(`nothing answers on 127.0.0.1:${port}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/**
 * Sends a message from one demo user to the other, waits for it in the mailbox, compares it and removes
 * it. Throws Temporary saying which step failed.
 */
export async function demonstrate(
  smtpPort: number,
  pop3Port: number,
  from: DemoUser,
  to: DemoUser,
): Promise<Delivered> {
  const id = randomBytes(12).toString('hex');
  const message = [
    `From: ${from.address}`,
    `To: ${to.address}`,
    'Subject: the first message',
    `Message-ID: <${id}@demo>`,
    '',
    'It went from SMTP through the queue into a Maildir.',
    '.a line that begins with a dot',
    '',
  ].join('\r\n');
  const accepted = await send(smtpPort, from.address, to.address, message);
  const received = await receive(pop3Port, to, id);
  // Trace lines are added on top; below them nothing may differ. qmail-pop3d ends with one empty line more.
  if (!received.includes(message)) throw new Temporary('the message came back changed');
  return { accepted, octets: received.length };
}

async function send(port: number, from: string, to: string, message: string): Promise<string> {
  return withClient(port, async (client) => {
    await client.expect('220');
    await client.ask('HELO localhost', '250');
    await client.ask(`MAIL FROM:<${from}>`, '250');
    await client.ask(`RCPT TO:<${to}>`, '250');
    await client.ask('DATA', '354');
    const accepted = await client.ask(`${message.replace(/^\./gm, '..')}.`, '250');
    await client.ask('QUIT', '221');
    return accepted;
  });
}

async function receive(port: number, user: DemoUser, id: string): Promise<string> {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const found = await withClient(port, (client) => look(client, user, id));
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Temporary('the message did not arrive in the mailbox');
}

async function look(client: Client, user: DemoUser, id: string): Promise<string | undefined> {
  await client.expect('+OK');
  await client.ask(`USER ${user.address}`, '+OK');
  await client.ask(`PASS ${user.password}`, '+OK');
  const count = Number((await client.ask('STAT', '+OK')).split(' ')[1]);
  for (let n = count; n >= 1; n--) {
    await client.ask(`TOP ${n} 0`, '+OK');
    if (!(await client.multiline()).includes(id)) continue;
    await client.ask(`RETR ${n}`, '+OK');
    const message = await client.multiline();
    await client.ask(`DELE ${n}`, '+OK');
    await client.ask('QUIT', '+OK');
    return message;
  }
  await client.ask('QUIT', '+OK');
  return undefined;
}

async function withClient<T>(port: number, talk: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(connect({ host: '127.0.0.1', port }));
  try {
    return await talk(client);
  } finally {
    client.close();
  }
}

/** Lines to and from a server. */
class Client {
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
      const next = await this.#chunks.next();
      if (next.done === true) throw new Temporary('connection lost');
      this.#held += next.value.toString('latin1');
    }
  }

  async expect(start: string): Promise<string> {
    const line = await this.line();
    if (!line.startsWith(start)) throw new Temporary(`unexpected answer: ${line}`);
    return line;
  }

  ask(command: string, start: string): Promise<string> {
    this.#socket.write(Buffer.from(`${command}\r\n`, 'latin1'));
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
}
