// One message over one SMTP connection that has greeted us. RFC 5321 section 3.3; RFC 2920 (PIPELINING),
// RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8).

import { isFault } from '@q/fault';
import { DataEncoder, type Reply } from '@q/smtp';
import { ConnectionDied } from './connection.ts';
import { type RemoteMessage, smtpPath } from './envelope.ts';
import { type Outgoing, partialLine } from './outgoing.ts';
import type { SmtpConnection } from './smtp-connection.ts';
import {
  diedText,
  faultReport,
  givingUp,
  letterOf,
  type RecipientVerdict,
  recipientVerdict,
  type Verdict,
  withReply,
} from './verdict.ts';

interface Progress {
  readonly recipients: RecipientVerdict[];
  stage: Verdict['stage'];
  /** The final dot is on its way, and no answer has come yet. */
  critical: boolean;
}

/** Sends the message. The connection is left open, whatever the verdict says of it. */
export async function sendBySmtp(
  connection: SmtpConnection,
  message: RemoteMessage,
): Promise<Verdict> {
  const progress: Progress = { recipients: [], stage: 'sender', critical: false };
  try {
    return await transaction(connection, message, progress);
  } catch (error) {
    const { recipients, stage, critical } = progress;
    const over = { recipients, stage, connection: 'over' } as const;
    if (error instanceof ConnectionDied) {
      const text = `Z${diedText(connection.address, critical)}\n`;
      return { ...over, message: text, lost: critical || error.timedOut ? 'late' : 'early' };
    }
    // The content could not be read or said: half a message is none, the connection is dropped.
    if (!isFault(error)) throw error;
    return { ...over, message: faultReport(error), lost: 'no' };
  }
}

async function transaction(
  connection: SmtpConnection,
  message: RemoteMessage,
  progress: Progress,
): Promise<Verdict> {
  const { address } = connection;
  const { recipients } = progress;
  const ended = (letter: string, text: string, state: Verdict['connection']): Verdict => ({
    recipients,
    message: `${letter}${text}`,
    stage: progress.stage,
    connection: state,
    lost: 'no',
  });
  const ask = await dialogue(connection, [
    mailCommand(message, connection.extensions),
    ...message.recipients.map((recipient) => `RCPT TO:<${smtpPath(recipient)}>`),
    'DATA',
  ]);
  const mail = await ask();
  if (mail.code >= 400) {
    const text = withReply(`Connected to ${address} but sender was rejected.`, mail.text);
    return ended(letterOf(mail), text, 'over');
  }
  progress.stage = 'recipients';
  let leaving = false;
  for (const _ of message.recipients) {
    const reply = await ask();
    leaving ||= reply.code === 421;
    recipients.push(recipientOf(address, reply));
  }
  if (!recipients.some(({ letter }) => letter === 'r')) {
    // With pipelining DATA has been said too. Its answer is of no interest here, so the connection ends.
    leaving ||= isPipelined(connection);
    return ended('', givingUp(address), leaving ? 'over' : 'reset');
  }
  progress.stage = 'data';
  const data = await ask();
  if (data.code >= 400)
    return ended(
      letterOf(data),
      withReply(`${address} failed on DATA command.`, data.text),
      'over',
    );
  progress.stage = 'content';
  await sendContent(connection, message.content, progress);
  const last = await connection.reply();
  progress.critical = false;
  if (last.code < 400)
    return ended('K', withReply(`${address} accepted message.`, last.text), 'ready');
  const text = withReply(`${address} failed after I sent the message.`, last.text);
  return ended(letterOf(last), text, last.code === 421 ? 'over' : 'reset');
}

function recipientOf(address: string, reply: Reply): RecipientVerdict {
  const letter = letterOf(reply);
  // 552 has been "too many recipients" once (RFC 5321 4.5.3.1.10).
  return recipientVerdict(address, letter, reply.text, letter === 'Z' || reply.code === 552);
}

/** Gives the reply to one command after the other; where the server allows it all go out in one write. */
async function dialogue(
  connection: SmtpConnection,
  lines: readonly string[],
): Promise<() => Promise<Reply>> {
  if (isPipelined(connection)) {
    await connection.say(lines);
    return () => connection.reply();
  }
  let next = 0;
  return () => connection.command(lines[next++] as string);
}

function isPipelined({ extensions }: SmtpConnection): boolean {
  return extensions.has('PIPELINING');
}

function mailCommand(message: RemoteMessage, extensions: ReadonlySet<string>): string {
  const { sender, recipients, content } = message;
  const facts = content.facts;
  const size = facts !== undefined && extensions.has('SIZE') ? ` SIZE=${facts.wireSize}` : '';
  const body = facts?.eightBit === true && extensions.has('8BITMIME') ? ' BODY=8BITMIME' : '';
  const foreign = [sender, ...recipients].some((address) => /[^\x00-\x7f]/.test(address));
  const utf8 = foreign && extensions.has('SMTPUTF8') ? ' SMTPUTF8' : '';
  return `MAIL FROM:<${smtpPath(sender)}>${size}${body}${utf8}`;
}

/** One chunk behind the reading, so that a small message and its final dot are one packet. */
async function sendContent(
  { wire }: SmtpConnection,
  content: Outgoing,
  progress: Progress,
): Promise<void> {
  const encoder = new DataEncoder();
  let room = Buffer.alloc(0);
  let held: Buffer | undefined;
  for await (const chunk of content.chunks()) {
    if (held !== undefined) await wire.send(held);
    if (room.length < 2 * chunk.length) room = Buffer.allocUnsafe(2 * chunk.length);
    held = encoder.push(chunk, room);
  }
  if (encoder.partialLine) {
    if (held !== undefined) await wire.send(held);
    throw partialLine();
  }
  progress.critical = true;
  await wire.send(held === undefined ? encoder.end() : Buffer.concat([held, encoder.end()]));
}
