// Arguments that several commands have.

import { asciiEqual, asciiLower, decodeModifiedUtf7 } from '@q/bytes';
import { bad } from './command-error.ts';
import { type CommandCursor, utf8Text } from './cursor.ts';
import { KEYWORD_MAX, MAILBOX_NAME_MAX } from './limits.ts';

import { parseSequenceSet, type SequenceSet } from './sequence-set.ts';

/**
 * A mailbox name as Unicode text: from UTF-8 when the client enabled it, else from modified UTF-7. INBOX in any case is
 * "INBOX"; what "inbox.x" is depends on the namespace, which the caller knows.
 *
 *     mailbox = "INBOX" / astring
 */
export function mailboxArgument(cursor: CommandCursor): string {
  const text = cursor.astring();
  if (text.length > MAILBOX_NAME_MAX) bad('Mailbox name too long');
  const name = cursor.utf8 ? utf8Text(text) : decodeModifiedUtf7(text);
  if (name === undefined) return bad('Invalid mailbox name');
  return asciiEqual(name, 'INBOX') ? 'INBOX' : name;
}

export function sequenceSetArgument(cursor: CommandCursor): SequenceSet {
  return parseSequenceSet(cursor.setText()) ?? bad('Invalid sequence set');
}

/** A set that is spoken of before there is a search result: neither "$" nor "*" may be in it. */
export function knownSetArgument(cursor: CommandCursor): Extract<SequenceSet, { kind: 'numbers' }> {
  const set = sequenceSetArgument(cursor);
  if (set.kind !== 'numbers' || set.open !== undefined) return bad('Invalid sequence set');
  return set;
}

/**
 * A flag as it is written in answers: system flags in the RFC's case, keywords as given.
 *
 *     flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword
 *
 * Other flags with "\" are no client's to set, \Recent among them (RFC 3501, section 2.3.2).
 */
export function flagArgument(cursor: CommandCursor): string {
  if (cursor.tryText('\\')) return `\\${cursor.word(SYSTEM_FLAGS, 'Unknown system flag')}`;
  return keywordArgument(cursor);
}

/** flag-keyword = atom */
export function keywordArgument(cursor: CommandCursor): string {
  const keyword = cursor.atom();
  return keyword.length > KEYWORD_MAX ? bad('[LIMIT] Keyword too long') : keyword;
}

/** Each flag once; keywords that differ in case only are one (RFC 9051, section 2.3.2). */
export function distinctFlags(flags: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const flag of flags) {
    const key = asciiLower(flag);
    if (!seen.has(key)) seen.set(key, flag);
  }
  return [...seen.values()];
}

/** A special use (RFC 6154): "\Sent" and the like. Unknown ones are the caller's to refuse, with USEATTR. */
export function specialUseArgument(cursor: CommandCursor): string {
  cursor.text('\\', 'Missing special use');
  return `\\${cursor.atom()}`;
}

const SYSTEM_FLAGS = ['Answered', 'Flagged', 'Deleted', 'Seen', 'Draft'] as const;
