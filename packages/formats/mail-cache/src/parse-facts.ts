// Facts and structure of a message, from one pass over its file.

import { createHash } from 'node:crypto';
import { type Message, MessageParser, messageIds, parseSentDate } from '@q/mime';
import { EMAIL_LETTER, ID_SIZE, THREAD_LETTER } from './facts.ts';
import type { OpenFile } from './loads.ts';
import type { MessageFacts } from './model.ts';

export interface Parsed {
  readonly facts: MessageFacts;
  readonly structure: Message;
}

/** `base` is the message's base name, `now` milliseconds. Rejects only with what reading the file throws. */
export async function parseFile(file: OpenFile, base: string, now: number): Promise<Parsed> {
  const parser = new MessageParser();
  const hash = createHash('sha256');
  for await (const piece of file.pieces()) {
    hash.update(piece);
    parser.push(piece);
  }
  const structure = parser.end();
  const emailId = EMAIL_LETTER + shortened(hash.digest());
  return { structure, facts: factsOf(structure, { emailId, time: file.time, base, now }) };
}

function factsOf(
  message: Message,
  of: { emailId: string; time: number; base: string; now: number },
): MessageFacts {
  const envelope = message.root.envelope ?? NO_ENVELOPE;
  const replied = messageIds(envelope.inReplyTo ?? '');
  const references = message.references.length > 0 ? message.references : replied.slice(0, 1);
  const first = references[0] ?? messageIds(envelope.messageId ?? '')[0] ?? of.emailId;
  return {
    size: message.size,
    crlfSize: message.crlfSize,
    time: of.time,
    saved: savedAt(of.base, of.now),
    emailId: of.emailId,
    threadId:
      THREAD_LETTER + shortened(createHash('sha256').update(Buffer.from(first, 'latin1')).digest()),
    envelope,
    sent: parseSentDate(envelope.date ?? '')?.time,
    references,
  };
}

/**
 * SAVEDATE: every message gets a new name when it comes into a folder, and a Maildir's names begin with the time
 * (seconds) they were made. So it stays what it was when the cache is lost. A name without: now.
 */
function savedAt(base: string, now: number): number {
  const seconds = /^(\d{9,11})\./.exec(base)?.[1];
  return seconds === undefined ? now : Math.min(now, Number(seconds) * 1000);
}

function shortened(digest: Buffer): string {
  return digest.toString('base64url', 0, ID_SIZE);
}

const NO_ENVELOPE = {
  date: undefined,
  subject: undefined,
  from: undefined,
  sender: undefined,
  replyTo: undefined,
  to: undefined,
  cc: undefined,
  bcc: undefined,
  inReplyTo: undefined,
  messageId: undefined,
};
