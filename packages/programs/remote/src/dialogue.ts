// One message over one SMTP connection, and the texts that tell how it went. RFC 5321; the texts are
// qmail-remote(8)'s, which people and log parsers know.

import { Permanent, Temporary } from '@q/fault';
import { DataEncoder, type Reply } from '@q/smtp';
import { ConnectionDied, type SmtpConnection } from './connection.ts';
import type { Outgoing } from './outgoing.ts';

export interface RemoteMessage {
  /** As it stands between the angle brackets: quoted, '' for a bounce. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly content: Outgoing;
}

/** The server did not get as far as a greeting: another one may be tried. */
export class NotGreeted extends Temporary {}

/** What EHLO announced, upper case; empty for a server that only knows HELO. */
type Extensions = ReadonlySet<string>;

/** Waits for the greeting. Throws NotGreeted, or Temporary when waiting any longer makes no sense. */
export async function awaitGreeting(connection: SmtpConnection): Promise<void> {
  let reply: Reply;
  try {
    reply = await connection.reply();
  } catch (error) {
    const text = died(connection, false);
    if (error instanceof ConnectionDied && !error.timedOut) throw new NotGreeted(text);
    throw new Temporary(text, { cause: error });
  }
  if (reply.code === 220) return;
  await connection.quit();
  throw new NotGreeted(withReply(`Connected to ${connection.address} but greeting failed.`, reply));
}

/**
 * Sends the message over a connection that has greeted us. A report for each recipient goes to `reports`
 * as it is known: "r", "h" or "s". Resolves to the text of success; throws a fault with the text of
 * failure. The connection is closed in any case.
 */
export async function sendMessage(
  connection: SmtpConnection,
  helo: string,
  message: RemoteMessage,
  reports: string[],
): Promise<string> {
  const progress = { critical: false };
  try {
    const text = await transaction(connection, helo, message, reports, progress);
    await connection.quit();
    return text;
  } catch (error) {
    if (error instanceof ConnectionDied)
      throw new Temporary(died(connection, progress.critical), { cause: error });
    throw error;
  } finally {
    connection.close();
  }
}

async function transaction(
  connection: SmtpConnection,
  helo: string,
  message: RemoteMessage,
  reports: string[],
  progress: { critical: boolean },
): Promise<string> {
  const { address } = connection;
  const extensions = await introduce(connection, helo);
  const mail = await connection.command(mailCommand(message, extensions));
  await check(connection, mail, `Connected to ${address} but sender was rejected.`);
  let accepted = false;
  for (const recipient of message.recipients) {
    const reply = await connection.command(`RCPT TO:<${recipient}>`);
    if (reply.code < 400) accepted = true;
    reports.push(recipientReport(address, reply));
  }
  if (!accepted) {
    await connection.quit();
    throw new Permanent(`Giving up on ${address}.`);
  }
  const data = await connection.command('DATA');
  await check(connection, data, `${address} failed on DATA command.`);
  await sendContent(connection, message.content, progress);
  const verdict = await connection.reply();
  progress.critical = false;
  await check(connection, verdict, `${address} failed after I sent the message.`);
  return withReply(`${address} accepted message.`, verdict);
}

/** EHLO, and HELO for a server that does not know it. */
async function introduce(connection: SmtpConnection, helo: string): Promise<Extensions> {
  let reply = await connection.command(`EHLO ${helo}`);
  if (reply.code === 250) return extensionsOf(reply);
  if (reply.code >= 500) reply = await connection.command(`HELO ${helo}`);
  if (reply.code === 250) return new Set();
  await connection.quit();
  throw new Temporary(
    withReply(`Connected to ${connection.address} but my name was rejected.`, reply),
  );
}

function extensionsOf(reply: Reply): Extensions {
  const lines = reply.text.split('\n').slice(1);
  return new Set(lines.map((line) => (line.slice(4).split(' ')[0] as string).toUpperCase()));
}

function mailCommand(message: RemoteMessage, extensions: Extensions): string {
  const { sender, recipients, content } = message;
  const facts = content.facts;
  const size = facts !== undefined && extensions.has('SIZE') ? ` SIZE=${facts.wireSize}` : '';
  const body = facts?.eightBit === true && extensions.has('8BITMIME') ? ' BODY=8BITMIME' : '';
  const foreign = [sender, ...recipients].some((address) => /[^\x00-\x7f]/.test(address));
  const utf8 = foreign && extensions.has('SMTPUTF8') ? ' SMTPUTF8' : '';
  return `MAIL FROM:<${sender}>${size}${body}${utf8}`;
}

function recipientReport(address: string, reply: Reply): string {
  if (reply.code < 400) return 'r';
  const text = withReply(`${address} does not like recipient.`, reply);
  return `${reply.code >= 500 ? 'h' : 's'}${text}\n`;
}

async function sendContent(
  connection: SmtpConnection,
  content: Outgoing,
  progress: { critical: boolean },
): Promise<void> {
  const encoder = new DataEncoder();
  for await (const chunk of content.chunks()) await connection.send(encoder.push(chunk));
  if (encoder.partialLine) throw partialLine(); // the connection is dropped: half a message is none
  progress.critical = true;
  await connection.send(encoder.end());
}

export function partialLine(): Permanent {
  return new Permanent('SMTP cannot transfer messages with partial final lines. (#5.6.2)');
}

/** Throws the fault for a reply of 400 or more, after QUIT. */
async function check(connection: SmtpConnection, reply: Reply, text: string): Promise<void> {
  if (reply.code < 400) return;
  await connection.quit();
  const told = withReply(text, reply);
  throw reply.code >= 500 ? new Permanent(told) : new Temporary(told);
}

function died({ address }: SmtpConnection, critical: boolean): string {
  return `Connected to ${address} but connection died. ${critical ? 'Possible duplicate! ' : ''}(#4.4.2)`;
}

function withReply(text: string, reply: Reply): string {
  const said = reply.text.replace(/\n$/, '');
  return said === '' ? text : `${text}\nRemote host said: ${said}`;
}
