// One message over one connection by QMTP: https://cr.yp.to/proto/qmtp.txt.
//
//   message  = netstring(LF content) netstring(sender) netstring(*netstring(recipient))
//   answer   = *netstring(("K" / "Z" / "D") text)           ; one for each recipient
//
// Example: 7:<LF>body<LF>x,3:a@b,6:3:c@d,, is answered by 14:Kok 1000 qp 53,
//
// The server may have taken the message as soon as the last byte of it has gone out.

import { bytesOf, encodeNetstring, NetstringDecoder, netstringHeader, textOf } from '@q/bytes';
import { isFault, Temporary } from '@q/fault';
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

const LF_ENCODING = bytesOf('\n');
const COMMA = bytesOf(',');

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
      : recipientVerdict(address, letterIn(answer), answer.slice(1));
  });
  const taken = answers.find((answer) => letterIn(answer) === 'K');
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
  const list = Buffer.concat(recipients.map((recipient) => encodeNetstring(bytesOf(recipient))));
  const envelope = [COMMA, encodeNetstring(bytesOf(sender)), encodeNetstring(list)];
  await connection.send(Buffer.concat(envelope));
  await readAnswers(connection, recipients.length, progress.answers);
}

async function sendContent(connection: Connection, content: Outgoing): Promise<void> {
  const { facts } = content;
  if (facts === undefined)
    throw new Temporary('Sorry, I can send only a file by QMTP: its size goes first. (#4.3.0)');
  await connection.send(Buffer.concat([netstringHeader(facts.size + 1), LF_ENCODING]));
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
  let text = '';
  const decoder = new NetstringDecoder(QMTP_ANSWER_MAX, {
    open: () => {
      text = '';
    },
    data: (piece) => {
      text += textOf(piece);
    },
    close: () => {
      if (answers.length < count) answers.push(text.replaceAll('\0', '?'));
    },
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

/** What is none of the three letters must not pass for consent. */
function letterIn(answer: string): 'K' | 'Z' | 'D' {
  const letter = answer[0];
  return letter === 'K' || letter === 'D' ? letter : 'Z';
}
