// Which literals of a command are messages: those are streamed, all others are held with the command.

import { textOf } from '@q/bytes';
import type { CommandPiece } from './reader-event.ts';

/**
 * True when a literal that follows `pieces` is a message or a part of one. `pieces` ends with the text before the
 * announcement. Only the mailbox and CATENATE's URLs can be other literals in these commands; anything malformed that
 * passes for a message here is refused when the command is parsed.
 *
 *     append  = "APPEND" SP mailbox 1*(SP append-message)              ; RFC 3502
 *     replace = ["UID" SP] "REPLACE" SP seq-number SP mailbox SP append-message   ; RFC 8508
 *     append-message = [flag-list SP] [date-time SP] (literal / "UTF8" SP "(" literal8 ")" / "CATENATE" SP "(" cat-part … ")")
 *     cat-part = "URL" SP astring / "TEXT" SP literal                   ; RFC 4469
 */
export function isMessageData(pieces: readonly CommandPiece[]): boolean {
  const first = pieces[0];
  const last = pieces[pieces.length - 1];
  if (first?.kind !== 'text' || last?.kind !== 'text') return false;
  const head = textOf(first.bytes.subarray(0, HEAD_MAX));
  const command = COMMAND.exec(head);
  if (command === null) return false;
  // The mailbox itself is the literal: nothing stands between the command's name and the announcement.
  if (pieces.length === 1 && command[0].length === first.bytes.length) return false;
  return !/[ (]URL $/i.test(textOf(last.bytes.subarray(-6)));
}

/** More than a tag, the command's name and a number take. */
const HEAD_MAX = 256;
const COMMAND = /^[^ ]+ (?:APPEND |(?:UID )?REPLACE [^ ]+ )/i;
