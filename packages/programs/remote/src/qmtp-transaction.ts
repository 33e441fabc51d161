// One message over one connection by QMTP: https://cr.yp.to/proto/qmtp.txt.
//
// The server may have taken the message as soon as the last byte of it has gone out.

import { isFault, Temporary } from '@q/fault';
import { AnswerDecoder, answerLetter, qmtpHead, qmtpTail } from '@q/qmtp';
import { type Connection, ConnectionDied } from './connection.ts';
import type { RemoteMessage } from './envelope.ts';
import { QMTP_ANSWER_MAX } from './limits.ts';
import type { Outgoing } from './outgoing.ts';
import {
  diedText,
  givingUp,
  type RecipientVerdict,
  recipientVerdict,
  type Verdict,
  withReply,
} from './verdict.ts';

interface Progress {
  readonly answers: string[];
  critical: boolean;
}

/** Sends the message. The connection serves no other one afterwards. */
export async function sendByQmtp(connection: Connection, message: RemoteMessage): Promise<Verdict> {
  const { address } = connection;
  const progress: Progress = { answers: [], critical: false };
  let failure: string | undefined;
  try {
    await converse(connection, message, progress);
  } catch (error) {
    if (error instanceof ConnectionDied) failure = `Z${diedText(address, progress.critical)}\n`;
    else if (isFault(error)) failure = `Z${error.message}\n`;
    else throw error;
  }
  const { answers, critical } = progress;
  if (failure !== undefined && answers.length === 0)
    return verdict([], failure, critical ? 'late' : 'early');
  // Who has an answer keeps it, even if the connection broke before the others had theirs.
  const recipients = message.recipients.map((_, at): RecipientVerdict => {
    const answer = answers[at];
    return answer === undefined
      ? { letter: 's', text: (failure ?? '').slice(1), doubtful: false }
      : recipientVerdict(address, answerLetter(answer), answer.slice(1));
  });
  const taken = answers.find((answer) => answerLetter(answer) === 'K');
  if (taken === undefined) return verdict(recipients, givingUp(address));
  return verdict(recipients, `K${withReply(`${address} accepted message.`, taken.slice(1))}`);
}

function verdict(
  recipients: readonly RecipientVerdict[],
  message: string,
  lost: Verdict['lost'] = 'no',
): Verdict {
  return { recipients, message, stage: 'content', connection: 'over', lost };
}

async function converse(
  connection: Connection,
  { sender, recipients, content }: RemoteMessage,
  progress: Progress,
): Promise<void> {
  await sendContent(connection, content);
  progress.critical = true;
  await connection.send(qmtpTail(sender, recipients));
  await readAnswers(connection, recipients.length, progress.answers);
}

async function sendContent(connection: Connection, content: Outgoing): Promise<void> {
  const { facts } = content;
  if (facts === undefined)
    throw new Temporary('Sorry, I can send only a file by QMTP: its size goes first. (#4.3.0)');
  await connection.send(qmtpHead(facts.size));
  let left = facts.size;
  for await (const chunk of content.chunks()) {
    left -= chunk.length;
    if (left < 0) break;
    await connection.send(chunk);
  }
  if (left !== 0) throw new Temporary('Unable to read message. (#4.3.0)');
}

async function readAnswers(
  connection: Connection,
  count: number,
  answers: string[],
): Promise<void> {
  const decoder = new AnswerDecoder(QMTP_ANSWER_MAX, (answer) => {
    if (answers.length < count) answers.push(answer);
  });
  let deadline = connection.deadline();
  while (answers.length < count) {
    const before = answers.length;
    const chunk = await connection.read(deadline);
    try {
      decoder.push(chunk);
    } catch {
      throw new ConnectionDied('no QMTP');
    }
    if (answers.length > before) deadline = connection.deadline();
  }
}
