// Arguments of the commands about messages: FETCH, STORE, COPY, APPEND, REPLACE.

import { bad } from './command-error.ts';
import {
  distinctFlags,
  flagArgument,
  mailboxArgument,
  sequenceSetArgument,
} from './common-arguments.ts';
import type { CommandCursor } from './cursor.ts';
import { type DateTime, dateTimeArgument } from './date-argument.ts';
import { type FetchItem, fetchItems } from './fetch-item.ts';
import { type ResultRange, resultRange } from './search-command.ts';
import type { SequenceSet } from './sequence-set.ts';

export interface FetchArguments {
  readonly set: SequenceSet;
  readonly items: readonly FetchItem[];
  readonly changedSince: number | undefined;
  /** Only with changedSince, and only of UID FETCH (RFC 7162, section 3.2.6). */
  readonly vanished: boolean;
  /** RFC 9394, section 3.4. */
  readonly partial: ResultRange | undefined;
}

/** fetch = "FETCH" SP sequence-set SP fetch-items [SP "(" fetch-modifier *(SP fetch-modifier) ")"] */
export function fetchArguments(cursor: CommandCursor): FetchArguments {
  cursor.space();
  const set = sequenceSetArgument(cursor);
  cursor.space();
  const items = fetchItems(cursor);
  let changedSince: number | undefined;
  let vanished = false;
  let partial: ResultRange | undefined;
  if (cursor.tryText(' '))
    cursor.list(() => {
      const modifier = cursor.word(
        ['CHANGEDSINCE', 'VANISHED', 'PARTIAL'],
        'Unknown FETCH modifier',
      );
      if (modifier === 'VANISHED') vanished = true;
      else cursor.space();
      if (modifier === 'CHANGEDSINCE') changedSince = cursor.number64();
      if (modifier === 'PARTIAL') partial = resultRange(cursor);
    }, 1);
  if (vanished && changedSince === undefined) bad('VANISHED needs CHANGEDSINCE');
  return { set, items, changedSince, vanished, partial };
}

export interface StoreArguments {
  readonly set: SequenceSet;
  readonly unchangedSince: number | undefined;
  readonly change: 'replace' | 'add' | 'remove';
  readonly silent: boolean;
  readonly flags: readonly string[];
}

/**
 *     store = "STORE" SP sequence-set [SP "(" "UNCHANGEDSINCE" SP number64 ")"] SP
 *             ["+" / "-"] "FLAGS" [".SILENT"] SP ("(" [flag *(SP flag)] ")" / flag *(SP flag))
 */
export function storeArguments(cursor: CommandCursor): StoreArguments {
  cursor.space();
  const set = sequenceSetArgument(cursor);
  cursor.space();
  let unchangedSince: number | undefined;
  if (cursor.tryText('(')) {
    cursor.word(['UNCHANGEDSINCE'], 'Unknown STORE modifier');
    cursor.space();
    unchangedSince = cursor.number64();
    cursor.text(')');
    cursor.space();
  }
  let change: StoreArguments['change'] = 'replace';
  if (cursor.tryText('+')) change = 'add';
  else if (cursor.tryText('-')) change = 'remove';
  const silent = cursor.word(['FLAGS', 'FLAGS.SILENT'], 'Unknown STORE item') === 'FLAGS.SILENT';
  cursor.space();
  const flags = cursor.sees('(') ? flagList(cursor) : bareFlags(cursor);
  return { set, unchangedSince, change, silent, flags };
}

function flagList(cursor: CommandCursor): readonly string[] {
  return distinctFlags(cursor.list(() => flagArgument(cursor)));
}

function bareFlags(cursor: CommandCursor): readonly string[] {
  const flags: string[] = [];
  do flags.push(flagArgument(cursor));
  while (cursor.tryText(' '));
  return distinctFlags(flags);
}

/** copy = "COPY" SP sequence-set SP mailbox; MOVE alike (RFC 6851) */
export function copyArguments(cursor: CommandCursor): {
  readonly set: SequenceSet;
  readonly mailbox: string;
} {
  cursor.space();
  const set = sequenceSetArgument(cursor);
  cursor.space();
  return { set, mailbox: mailboxArgument(cursor) };
}

/** Where bytes of a new message come from: a streamed message of the command, by its index, or a URL. */
export type AppendPart =
  | {
      readonly kind: 'data';
      readonly index: number;
      readonly size: number;
      readonly binary: boolean;
    }
  | { readonly kind: 'url'; readonly url: string };

export interface AppendMessage {
  readonly flags: readonly string[];
  readonly date: DateTime | undefined;
  /** One "data" unless CATENATE made it of several. */
  readonly parts: readonly AppendPart[];
  /** Sent as UTF8 (~{n}): RFC 6855, section 4. */
  readonly utf8: boolean;
}

/**
 *     append = "APPEND" SP mailbox 1*(SP append-message)
 */
export function appendArguments(cursor: CommandCursor): {
  readonly mailbox: string;
  readonly messages: readonly AppendMessage[];
} {
  cursor.space();
  const mailbox = mailboxArgument(cursor);
  const messages: AppendMessage[] = [];
  do {
    cursor.space();
    messages.push(appendMessage(cursor));
  } while (!cursor.atEnd());
  return { mailbox, messages };
}

/** replace = "REPLACE" SP seq-number SP mailbox SP append-message (RFC 8508) */
export function replaceArguments(cursor: CommandCursor): {
  readonly number: number;
  readonly mailbox: string;
  readonly message: AppendMessage;
} {
  cursor.space();
  const number = cursor.tryText('*') ? Number.POSITIVE_INFINITY : cursor.nzNumber();
  cursor.space();
  const mailbox = mailboxArgument(cursor);
  cursor.space();
  return { number, mailbox, message: appendMessage(cursor) };
}

/**
 *     append-message = [flag-list SP] [date-time SP] append-data
 *     append-data    = literal / literal8 / "UTF8" SP "(" literal8 ")" / "CATENATE" SP "(" cat-part *(SP cat-part) ")"
 */
function appendMessage(cursor: CommandCursor): AppendMessage {
  let flags: readonly string[] = [];
  if (cursor.sees('(')) {
    flags = flagList(cursor);
    cursor.space();
  }
  let date: DateTime | undefined;
  if (cursor.sees('"')) {
    date = dateTimeArgument(cursor);
    cursor.space();
  }
  if (cursor.tryWord('CATENATE')) {
    cursor.space();
    return { flags, date, parts: cursor.list(() => catenatePart(cursor), 1), utf8: false };
  }
  const utf8 = cursor.tryWord('UTF8');
  if (utf8) cursor.text(' (');
  const part = data(cursor);
  if (utf8) cursor.text(')');
  return { flags, date, parts: [part], utf8 };
}

/** cat-part = "URL" SP astring / "TEXT" SP literal */
function catenatePart(cursor: CommandCursor): AppendPart {
  const kind = cursor.word(['URL', 'TEXT'], 'Unknown CATENATE part');
  cursor.space();
  return kind === 'URL' ? { kind: 'url', url: cursor.astring() } : data(cursor);
}

function data(cursor: CommandCursor): AppendPart {
  const message = cursor.tryMessage() ?? bad('Missing message');
  return { kind: 'data', index: message.index, size: message.size, binary: message.binary };
}
