// Search keys as a tree (RFC 9051, section 6.4.4; WITHIN: RFC 5032; MODSEQ: RFC 7162; FUZZY: RFC 6203; SAVEDATE:
// RFC 8514; EMAILID, THREADID: RFC 8474).

import { bad } from './command-error.ts';
import { keywordArgument, sequenceSetArgument } from './common-arguments.ts';
import type { CommandCursor } from './cursor.ts';
import { dayArgument } from './date-argument.ts';
import { SEARCH_DEPTH_MAX, SEARCH_KEYS_MAX } from './limits.ts';
import type { SequenceSet } from './sequence-set.ts';

/** Strings are latin1: bytes in the charset of the search. Days are UTC milliseconds of their beginning. */
export type SearchKey =
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly keys: readonly [SearchKey, SearchKey] }
  | { readonly kind: 'not' | 'fuzzy'; readonly key: SearchKey }
  | { readonly kind: 'all' | 'new' | 'old' | 'recent' | 'saveDateSupported' }
  /** `flag` is "\Seen" or a keyword. */
  | { readonly kind: 'flag'; readonly flag: string; readonly set: boolean }
  | { readonly kind: 'sequence' | 'uid'; readonly set: SequenceSet }
  /** `name` is that of a header field. An empty `value`: the field is there. */
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'body' | 'text'; readonly value: string }
  | {
      readonly kind: 'date';
      readonly of: 'internal' | 'sent' | 'saved';
      readonly relation: 'before' | 'on' | 'since';
      readonly day: number;
    }
  | { readonly kind: 'larger' | 'smaller'; readonly bytes: number }
  /** Older or younger than so many seconds. */
  | { readonly kind: 'older' | 'younger'; readonly seconds: number }
  | { readonly kind: 'modseq'; readonly least: number }
  | { readonly kind: 'emailId' | 'threadId'; readonly id: string };

/**
 *     search-keys = search-key *(SP search-key)
 *
 * A single key is returned as it is, several as "and".
 */
export function searchKeys(cursor: CommandCursor): SearchKey {
  const keys = new SearchParser(cursor).series(0);
  cursor.end();
  return keys;
}

/** Recursion is bounded by SEARCH_DEPTH_MAX. */
class SearchParser {
  readonly #cursor: CommandCursor;
  #count = 0;

  constructor(cursor: CommandCursor) {
    this.#cursor = cursor;
  }

  series(depth: number): SearchKey {
    const keys: SearchKey[] = [];
    do {
      keys.push(this.#key(depth));
    } while (this.#cursor.tryText(' '));
    const [only] = keys;
    return keys.length === 1 && only !== undefined ? only : { kind: 'and', keys };
  }

  /** search-key = "(" search-keys ")" / sequence-set / "NOT" SP search-key / "OR" SP search-key SP search-key / … */
  #key(depth: number): SearchKey {
    const cursor = this.#cursor;
    this.#count += 1;
    if (depth > SEARCH_DEPTH_MAX || this.#count > SEARCH_KEYS_MAX)
      bad('[TOOBIG] Search too complex');
    if (cursor.tryText('(')) {
      const keys = this.series(depth + 1);
      cursor.text(')', 'Parenthesis not closed');
      return keys;
    }
    if (cursor.seesDigit() || cursor.sees('*') || cursor.sees('$'))
      return { kind: 'sequence', set: sequenceSetArgument(cursor) };
    const word = cursor.word(WORDS, 'Unknown search key');
    switch (word) {
      case 'NOT':
        return { kind: 'not', key: this.#nested(depth) };
      case 'FUZZY':
        return { kind: 'fuzzy', key: this.#nested(depth) };
      case 'OR':
        return { kind: 'or', keys: [this.#nested(depth), this.#nested(depth)] };
      default:
        return KEYS[word](cursor);
    }
  }

  #nested(depth: number): SearchKey {
    this.#cursor.space();
    return this.#key(depth + 1);
  }
}

type KeyParser = (cursor: CommandCursor) => SearchKey;

const simple =
  (kind: 'all' | 'new' | 'old' | 'recent' | 'saveDateSupported'): KeyParser =>
  () => ({ kind });

const flag =
  (name: string, set: boolean): KeyParser =>
  () => ({ kind: 'flag', flag: name, set });

const keyword =
  (set: boolean): KeyParser =>
  (cursor) => {
    cursor.space();
    return { kind: 'flag', flag: keywordArgument(cursor), set };
  };

const header =
  (name: string): KeyParser =>
  (cursor) => ({ kind: 'header', name, value: text(cursor) });

const date =
  (of: 'internal' | 'sent' | 'saved', relation: 'before' | 'on' | 'since'): KeyParser =>
  (cursor) => {
    cursor.space();
    return { kind: 'date', of, relation, day: dayArgument(cursor) };
  };

const size =
  (kind: 'larger' | 'smaller'): KeyParser =>
  (cursor) => {
    cursor.space();
    return { kind, bytes: cursor.number64() };
  };

const interval =
  (kind: 'older' | 'younger'): KeyParser =>
  (cursor) => {
    cursor.space();
    return { kind, seconds: cursor.nzNumber() };
  };

const objectId =
  (kind: 'emailId' | 'threadId'): KeyParser =>
  (cursor) => {
    const id = text(cursor);
    // objectid = 1*255(ALPHA / DIGIT / "_" / "-")
    return /^[\w-]{1,255}$/.test(id) ? { kind, id } : bad('Invalid object id');
  };

function text(cursor: CommandCursor): string {
  cursor.space();
  return cursor.astring();
}

const KEYS = {
  ALL: simple('all'),
  NEW: simple('new'),
  OLD: simple('old'),
  RECENT: simple('recent'),
  ANSWERED: flag('\\Answered', true),
  DELETED: flag('\\Deleted', true),
  DRAFT: flag('\\Draft', true),
  FLAGGED: flag('\\Flagged', true),
  SEEN: flag('\\Seen', true),
  UNANSWERED: flag('\\Answered', false),
  UNDELETED: flag('\\Deleted', false),
  UNDRAFT: flag('\\Draft', false),
  UNFLAGGED: flag('\\Flagged', false),
  UNSEEN: flag('\\Seen', false),
  KEYWORD: keyword(true),
  UNKEYWORD: keyword(false),
  BCC: header('Bcc'),
  CC: header('Cc'),
  FROM: header('From'),
  SUBJECT: header('Subject'),
  TO: header('To'),
  HEADER: (cursor) => ({ kind: 'header', name: text(cursor), value: text(cursor) }),
  BODY: (cursor) => ({ kind: 'body', value: text(cursor) }),
  TEXT: (cursor) => ({ kind: 'text', value: text(cursor) }),
  BEFORE: date('internal', 'before'),
  ON: date('internal', 'on'),
  SINCE: date('internal', 'since'),
  SENTBEFORE: date('sent', 'before'),
  SENTON: date('sent', 'on'),
  SENTSINCE: date('sent', 'since'),
  SAVEDBEFORE: date('saved', 'before'),
  SAVEDON: date('saved', 'on'),
  SAVEDSINCE: date('saved', 'since'),
  SAVEDATESUPPORTED: simple('saveDateSupported'),
  LARGER: size('larger'),
  SMALLER: size('smaller'),
  OLDER: interval('older'),
  YOUNGER: interval('younger'),
  UID: (cursor) => {
    cursor.space();
    return { kind: 'uid', set: sequenceSetArgument(cursor) };
  },
  MODSEQ: (cursor) => {
    cursor.space();
    // [SP entry-name SP entry-type-req]: all flags share one mod-sequence here, so which entry is asked for is no matter.
    if (cursor.sees('"')) {
      cursor.string();
      cursor.space();
      cursor.word(['priv', 'shared', 'all'], 'Invalid MODSEQ');
      cursor.space();
    }
    return { kind: 'modseq', least: cursor.number64() };
  },
  EMAILID: objectId('emailId'),
  THREADID: objectId('threadId'),
} satisfies Record<string, KeyParser>;

const WORDS = [...(Object.keys(KEYS) as (keyof typeof KEYS)[]), 'NOT', 'OR', 'FUZZY'] as const;
