// Flags as bits and words (RFC 9051, section 2.3.2), and which of them a user may change (RFC 4314, section 4).

import { FLAG, type FlagChange, type FolderMessage } from '@q/mailbox';

/** The system flags in the order they are told. "Passed" is Maildir's alone. */
const SYSTEM_FLAGS: readonly (readonly [bit: number, word: string])[] = [
  [FLAG.answered, '\\Answered'],
  [FLAG.flagged, '\\Flagged'],
  [FLAG.deleted, '\\Deleted'],
  [FLAG.seen, '\\Seen'],
  [FLAG.draft, '\\Draft'],
];

export const SYSTEM_FLAG_WORDS: readonly string[] = SYSTEM_FLAGS.map(([, word]) => word);

/** What stands between the parentheses of FLAGS (…). Called for each message of large mailboxes: both halves are looked up. */
export function flagsText(
  message: Pick<FolderMessage, 'flags' | 'keywords'>,
  recent: boolean,
): string {
  let text = SYSTEM_TEXTS[message.flags & ALL_BITS] as string;
  if (message.keywords.length > 0) text = joined(text, keywordsText(message.keywords));
  return recent ? joined(text, '\\Recent') : text;
}

function joined(first: string, second: string): string {
  return first === '' ? second : `${first} ${second}`;
}

const ALL_BITS = 63;
const SYSTEM_TEXTS: readonly string[] = Array.from({ length: ALL_BITS + 1 }, (_, bits) =>
  SYSTEM_FLAGS.filter(([bit]) => (bits & bit) !== 0)
    .map(([, word]) => word)
    .join(' '),
);

/** Equal lists of keywords are one object, so there are few. */
const keywordTexts = new WeakMap<readonly string[], string>();

function keywordsText(keywords: readonly string[]): string {
  let text = keywordTexts.get(keywords);
  if (text === undefined) {
    text = keywords.join(' ');
    keywordTexts.set(keywords, text);
  }
  return text;
}

/** Flags as a command has them, taken apart. */
export function flagsOf(words: readonly string[]): Pick<FlagChange, 'flags' | 'keywords'> {
  let flags = 0;
  const keywords: string[] = [];
  for (const word of words) {
    const bit = BITS.get(word);
    if (bit === undefined) keywords.push(word);
    else flags |= bit;
  }
  return { flags, keywords };
}

const BITS: ReadonlyMap<string, number> = new Map(SYSTEM_FLAGS.map(([bit, word]) => [word, bit]));

/** What a user with certain rights may change. */
export interface ChangeableFlags {
  readonly flags: number;
  readonly keywords: boolean;
}

/** s is for \Seen, t for \Deleted, w for all others. `keywords`: the server keeps them at all. */
export function changeableFlags(rights: string, keywords: boolean): ChangeableFlags {
  let flags = 0;
  if (rights.includes('s')) flags |= FLAG.seen;
  if (rights.includes('t')) flags |= FLAG.deleted;
  const others = rights.includes('w');
  if (others) flags |= FLAG.answered | FLAG.flagged | FLAG.draft;
  return { flags, keywords: others && keywords };
}

/** Of flags that a new message shall have, those that its owner lets the user set (RFC 4314, section 4: the others are left out). */
export function allowedFlags(
  wanted: Pick<FlagChange, 'flags' | 'keywords'>,
  may: ChangeableFlags,
): Pick<FlagChange, 'flags' | 'keywords'> {
  return { flags: wanted.flags & may.flags, keywords: may.keywords ? wanted.keywords : [] };
}
