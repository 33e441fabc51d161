// The autoresponse of a user: autoresponse/message.txt in the user's directory, which vmailmgrd writes and takes
// away. It goes to each sender once in some days, and to nobody whom RFC 3834 spares.

import { answerOnce, type Original, type ReplyText, readReplyText } from '@q/autoreply';
import { errnoOf, faultOf, Temporary } from '@q/fault';
import { argText } from '@q/proc';
import { HeaderReader, parseAddressList, parseField } from '@q/rfc822';
import type { Settings } from '@q/vmailmgr';
import { dateSilence, END_FIELD, START_FIELD } from './autoresponse-dates.ts';
import { messageBytes } from './deliver-message.ts';
import { type QueuePlace, queueMessage } from './deliver-queue.ts';

const DAY = 86_400;

export interface Autoresponse {
  readonly settings: Settings;
  /** The user's directory; all texts are latin1. */
  readonly directory: string;
  /** Addresses under which the user got the message; the reply is from the first. */
  readonly own: readonly [string, ...string[]];
  readonly sender: string;
  readonly queue: QueuePlace;
  /** Whether a hook replies instead. */
  isDoneByHook(): boolean;
  say(text: string): void;
}

/** Never throws: the message has been delivered. What was done, or why nothing was, is said. */
export async function autorespond(response: Autoresponse): Promise<void> {
  try {
    const { settings, directory } = response;
    if (directory === '') return;
    const place = `${directory}/${settings.directory('autoresponse-dir')}`;
    const path = argText(`${place}${settings.string('autoresponse-file')}`);
    const text = textIn(path);
    if (text === undefined || response.isDoneByHook()) return;
    response.say(await answer(response, path, text));
  } catch (error) {
    response.say(`no autoresponse: ${faultOf(error, 'internal error').message}`);
  }
}

/** Undefined when there is no file, or nothing in it. */
function textIn(path: string): ReplyText | undefined {
  try {
    const text = readReplyText(path, 'leave out');
    return text.body === '' && text.fields.size === 0 ? undefined : text;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw faultOf(error, `unable to read ${path}`);
  }
}

async function answer(response: Autoresponse, path: string, text: ReplyText): Promise<string> {
  const { settings, sender } = response;
  const now = new Date();
  const untimely = dateSilence(text.fields, now);
  if (untimely !== undefined) return `no autoresponse: ${untimely}`;
  const days = Math.max(1, settings.number('autoresponse-days'));
  const answered = await answerOnce({
    sender,
    own: [...response.own, ...authorsOf(text)],
    memory: { path: `${path}.sent`, seconds: days * DAY },
    now: Math.floor(now.getTime() / 1000),
    pid: process.pid,
    program: `${++replies}.vdeliver`,
    readHeader,
    textFor: (original) => filled(text, original),
    send: (message) => send(response, message),
  });
  return 'qp' in answered
    ? `autoresponse: qp ${answered.qp}`
    : `no autoresponse: ${answered.silence}`;
}

/** One process can send several within a second. */
let replies = 0;

async function send({ queue, sender }: Autoresponse, message: Buffer): Promise<string> {
  const parts = [message];
  const { code, text, qp } = await queueMessage(queue, { sender: '', recipients: [sender], parts });
  if (code !== 0) throw new Temporary(text.slice(1));
  return qp ?? '';
}

/** Who the text says the reply is from is one of the user's addresses, too. */
function authorsOf({ fields }: ReplyText): readonly string[] {
  const field = parseField(fields.get('from') ?? '');
  return (field && parseAddressList(field.body)) ?? [];
}

/** Without the dates, and with the subject of the message in place of the subject's first %S. */
function filled({ fields, body }: ReplyText, original: Original): ReplyText {
  const kept = new Map(fields);
  for (const name of [START_FIELD, END_FIELD]) kept.delete(name);
  const subject = kept.get('subject');
  if (subject !== undefined)
    kept.set(
      'subject',
      subject.replace('%S', () => original.subject ?? 'your message'),
    );
  return { fields: kept, body };
}

async function readHeader(
  look: (field: NonNullable<ReturnType<typeof parseField>>) => void,
): Promise<void> {
  const reader = new HeaderReader({
    onField: (text) => {
      const field = parseField(text);
      if (field !== undefined) look(field);
    },
  });
  for await (const chunk of messageBytes()) if (reader.push(chunk) !== undefined) return;
  reader.end();
}
