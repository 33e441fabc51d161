// An automatic answer from beginning to end: RFC 3834. Whether there is to be one, what it says, and that it goes to a
// sender only once in a while.

import { bytesOf } from '@q/bytes';
import type { Field } from '@q/rfc822';
import { type MemoryOptions, oncePerSender } from './memory.ts';
import { composeReply, Original, type ReplyParts } from './reply.ts';
import { HeaderSilence, senderSilence } from './silence.ts';
import type { ReplyText } from './text.ts';

/** A message that may be answered. Addresses and fields are latin1 text. */
export interface Answerable extends Pick<ReplyParts, 'now' | 'pid' | 'program'> {
  /** The envelope sender. */
  readonly sender: string;
  /** Under which the message may have come; the first is the one the reply is from. */
  readonly own: readonly [string, ...string[]];
  readonly memory: Omit<MemoryOptions, 'now'>;
  /** Shows every field of the message's header. */
  readHeader(look: (field: Field) => void): Promise<unknown>;
  textFor(original: Original): ReplyText;
  /** Puts the reply into the queue, and resolves to its number in the logs. */
  send(message: Buffer): Promise<string>;
}

/** The number of the reply, or why there is none. */
export type Answered = { readonly qp: string } | { readonly silence: string };

/** Throws what the functions throw, and a system error if the memory cannot be kept; then there was no reply. */
export async function answerOnce(message: Answerable): Promise<Answered> {
  const { sender, own, now, pid, program } = message;
  const unfit = senderSilence(sender, own);
  if (unfit !== undefined) return { silence: unfit };
  const silence = new HeaderSilence(own);
  const original = new Original();
  await message.readHeader((field) => {
    silence.look(field);
    original.look(field);
  });
  if (silence.reason !== undefined) return { silence: silence.reason };
  const text = message.textFor(original);
  const reply = composeReply({ address: own[0], to: sender, text, original, now, pid, program });
  let qp = '';
  const known = await oncePerSender(sender, { ...message.memory, now }, async () => {
    qp = await message.send(bytesOf(reply));
  });
  return known === undefined ? { qp } : { silence: known };
}
