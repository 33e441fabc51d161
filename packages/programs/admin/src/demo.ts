// Proof that an instance works: one message in by SMTP, the same out by POP3 and by IMAP.

import { randomBytes } from 'node:crypto';
import { Temporary } from '@q/fault';
import { type Client, PATIENCE, withClient } from './demo-client.ts';
import type { DemoUser } from './instance.ts';
import type { Ports } from './ports.ts';

export interface Delivered {
  /** The SMTP server's answer to the message. */
  readonly accepted: string;
  /** Size of the message as POP3 gave it, in bytes. */
  readonly octets: number;
}

/**
 * Waits until something on loopback answers on `port` with a first line, which is returned; over TLS if `trusted`, the
 * server's certificate, is given.
 */
export async function awaitGreeting(port: number, trusted?: string): Promise<string> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      const line = await withClient(port, (client) => client.line(), trusted);
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
 * Sends a message from one demo user to the other, waits for it in the mailbox, compares it, as POP3 has it and as IMAP
 * does, and removes it. Throws Temporary saying which step failed.
 */
export async function demonstrate(ports: Ports, from: DemoUser, to: DemoUser): Promise<Delivered> {
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
  const accepted = await send(ports.smtp, from.address, to.address, message);
  const received = await receive(ports.pop3, to, id);
  // Trace lines are added on top; below them nothing may differ. qmail-pop3d ends with one empty line more.
  if (!received.includes(message)) throw new Temporary('the message came back changed');
  const fetched = await withClient(ports.imap, (client) => fetchAndRemove(client, to, id));
  if (`${fetched}\r\n` !== received)
    throw new Temporary('by IMAP the message is another than by POP3');
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
    await client.ask('QUIT', '+OK');
    return message;
  }
  await client.ask('QUIT', '+OK');
  return undefined;
}

/** The message with this in its Message-ID, by IMAP. */
async function fetchAndRemove(client: Client, user: DemoUser, id: string): Promise<string> {
  let commands = 0;
  /** The untagged lines of the answer, up to `until`, or to the end of the command. */
  const ask = async (command: string, until = /^$/): Promise<string[]> => {
    const tag = `a${++commands}`;
    client.send(`${tag} ${command}`);
    const lines: string[] = [];
    for (;;) {
      const line = await client.line();
      if (line.startsWith(`${tag} OK `)) return lines;
      if (line.startsWith(`${tag} `)) throw new Temporary(`unexpected answer: ${line}`);
      lines.push(line);
      if (until.test(line)) return lines;
    }
  };
  await client.expect('* OK');
  await ask(`LOGIN ${user.address} ${user.password}`);
  await ask('SELECT INBOX');
  const found = (await ask(`UID SEARCH HEADER Message-ID ${id}`)).join('\n');
  const uid = /^\* SEARCH ([0-9]+)$/m.exec(found)?.[1];
  if (uid === undefined) throw new Temporary('IMAP does not find the message');
  const literal = /\{([0-9]+)\}$/;
  const size = literal.exec((await ask(`UID FETCH ${uid} BODY.PEEK[]`, literal)).at(-1) ?? '')?.[1];
  const message = await client.octets(Number(size));
  await ask(`UID STORE ${uid} +FLAGS.SILENT \\Deleted`);
  await ask(`UID EXPUNGE ${uid}`);
  await ask('LOGOUT');
  return message;
}
