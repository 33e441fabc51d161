// The beginning of an SMTP connection: the greeting, EHLO or HELO. RFC 5321 section 3.1, 3.2.

import { Temporary } from '@q/fault';
import type { Reply } from '@q/smtp';
import { ConnectionDied } from './connection.ts';
import type { SmtpConnection } from './smtp-connection.ts';
import { diedText, withReply } from './verdict.ts';

/** The server did not get as far as a greeting: another one may be tried. */
export class NotGreeted extends Temporary {}

/** Waits for the greeting. Throws NotGreeted, or Temporary when waiting any longer makes no sense. */
export async function awaitGreeting(connection: SmtpConnection): Promise<void> {
  const { address } = connection;
  let reply: Reply;
  try {
    reply = await connection.reply();
  } catch (error) {
    const text = diedText(address, false);
    if (error instanceof ConnectionDied && !error.timedOut) throw new NotGreeted(text);
    throw new Temporary(text, { cause: error });
  }
  if (reply.code === 220) return;
  await connection.quit();
  throw new NotGreeted(
    withReply(`Connected to ${address} but greeting failed.`, reply.text).trimEnd(),
  );
}

/**
 * Says EHLO, and HELO to a server that does not know it, and notes the extensions. Throws Temporary.
 * The caller closes the connection when it throws.
 */
export async function introduce(connection: SmtpConnection, helo: string): Promise<void> {
  const { address } = connection;
  try {
    let reply = await connection.command(`EHLO ${helo}`);
    if (reply.code === 250) connection.extensions = extensionsOf(reply);
    else if (reply.code >= 500) reply = await connection.command(`HELO ${helo}`);
    if (reply.code === 250) return;
    await connection.quit();
    const text = `Connected to ${address} but my name was rejected.`;
    throw new Temporary(withReply(text, reply.text).trimEnd());
  } catch (error) {
    if (!(error instanceof ConnectionDied)) throw error;
    throw new Temporary(diedText(address, false), { cause: error });
  }
}

function extensionsOf(reply: Reply): ReadonlySet<string> {
  const lines = reply.text.split('\n').slice(1);
  return new Set(lines.map((line) => (line.slice(4).split(' ')[0] as string).toUpperCase()));
}
