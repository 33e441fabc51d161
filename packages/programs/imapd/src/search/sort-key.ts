// What SORT compares (RFC 5256, section 3; RFC 5957): numbers, or texts as i;unicode-casemap sees them.

import type { SortCriterion } from '@q/imap';
import type { MessageFacts } from '@q/mail-cache';
import { type Address, baseSubject, casemap, displayName } from '@q/mime';

/** The key of one message: a number, or text that stands for itself. */
export type KeyOf =
  | { readonly kind: 'number'; readonly of: (facts: MessageFacts) => number }
  | { readonly kind: 'text'; readonly of: (facts: MessageFacts) => string };

export function keyOf(by: SortCriterion['by']): KeyOf {
  return KEYS[by];
}

/** Section 2.2: a message without a date that can be read is taken as sent when it came. Milliseconds. */
export function sentTime({ sent, time }: MessageFacts): number {
  return sent ?? time;
}

const KEYS: Readonly<Record<SortCriterion['by'], KeyOf>> = {
  ARRIVAL: { kind: 'number', of: ({ time }) => time },
  DATE: { kind: 'number', of: sentTime },
  SIZE: { kind: 'number', of: ({ crlfSize }) => crlfSize },
  SUBJECT: {
    kind: 'text',
    of: ({ envelope }) => casemap(baseSubject(envelope.subject ?? '').text),
  },
  FROM: { kind: 'text', of: ({ envelope }) => firstMailbox(envelope.from) },
  TO: { kind: 'text', of: ({ envelope }) => firstMailbox(envelope.to) },
  CC: { kind: 'text', of: ({ envelope }) => firstMailbox(envelope.cc) },
  DISPLAYFROM: { kind: 'text', of: ({ envelope }) => casemap(displayName(envelope.from)) },
  DISPLAYTO: { kind: 'text', of: ({ envelope }) => casemap(displayName(envelope.to)) },
};

/** addr-mailbox of the first address. */
function firstMailbox(addresses: readonly Address[] | undefined): string {
  return casemap(addresses?.[0]?.mailbox ?? '');
}

/** The order of code points, which is the collation's; that of UTF-16 differs beyond U+FFFF. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return weight(left) - weight(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for what is above all other units. */
function weight(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
