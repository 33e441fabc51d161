// What became of one message on one connection, in qmail-remote's words: people and log parsers know them.

import { type Fault, Permanent } from '@q/fault';
import type { Reply } from '@q/smtp';

/** How a recipient fared: accepted, refused for good, refused for now. `text` is '' or ends in a newline. */
export interface RecipientVerdict {
  readonly letter: 'r' | 'h' | 's';
  /** The refusal may be about the company: too many recipients, or not these together. */
  readonly doubtful: boolean;
  readonly text: string;
}

export interface Verdict {
  /** Those of the first recipients; fewer than all if it did not come to the others. */
  readonly recipients: readonly RecipientVerdict[];
  /** Of the message: K, Z or D and a text that ends in a newline. */
  readonly message: string;
  /** Where it ended: at the sender, at the recipients, at DATA, or at what came after. */
  readonly stage: 'sender' | 'recipients' | 'data' | 'content';
  /**
   * The state of the connection: "ready" for the next message, "reset" after a RSET would make it so,
   * "over" when nothing more can be sent.
   */
  readonly connection: 'ready' | 'reset' | 'over';
  /**
   * Whether the connection broke: "early", where the server cannot have the whole message; "late", where
   * it may, or where we have waited so long that another try at once makes no sense.
   */
  readonly lost: 'no' | 'early' | 'late';
}

/** The K, Z or D that a reply's code means. */
export function letterOf(reply: Reply): 'K' | 'Z' | 'D' {
  if (reply.code < 400) return 'K';
  return reply.code >= 500 ? 'D' : 'Z';
}

/** `text` and what the server said, ended by a newline. */
export function withReply(text: string, said: string): string {
  const trimmed = said.replace(/\n$/, '');
  return trimmed === '' ? `${text}\n` : `${text}\nRemote host said: ${trimmed}\n`;
}

export function recipientVerdict(
  address: string,
  letter: 'K' | 'Z' | 'D',
  said: string,
  doubtful = letter === 'Z',
): RecipientVerdict {
  if (letter === 'K') return { letter: 'r', text: '', doubtful: false };
  const text = withReply(`${address} does not like recipient.`, said);
  return { letter: letter === 'D' ? 'h' : 's', text, doubtful };
}

/** The message's report where no recipient was accepted. */
export function givingUp(address: string): string {
  return `DGiving up on ${address}.\n`;
}

/** `critical`: the server may have got the whole message. */
export function diedText(address: string, critical: boolean): string {
  return `Connected to ${address} but connection died. ${critical ? 'Possible duplicate! ' : ''}(#4.4.2)`;
}

/** The report on a message that a fault kept from being sent. */
export function faultReport(fault: Fault): string {
  return `${fault instanceof Permanent ? 'D' : 'Z'}${fault.message}\n`;
}
