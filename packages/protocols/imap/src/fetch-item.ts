// What FETCH asks for (RFC 9051, section 6.4.5; BINARY: RFC 3516; MODSEQ: RFC 7162; EMAILID, THREADID: RFC 8474;
// SAVEDATE: RFC 8514; PREVIEW: RFC 8970; SNIPPET: its draft, which some clients still speak).

import { bad } from './command-error.ts';
import type { CommandCursor } from './cursor.ts';
import { SECTION_DEPTH_MAX } from './limits.ts';

/** "<offset.count>": bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly count: number;
}

/** "[1.2.HEADER]" and the like; an empty part is the whole message. */
export interface FetchSection {
  readonly part: readonly number[];
  readonly text: 'all' | 'header' | 'text' | 'mime' | 'fields' | 'fields-not';
  /** Names of HEADER.FIELDS and HEADER.FIELDS.NOT as given: the answer repeats them. */
  readonly fields: readonly string[];
}

const PLAIN_ITEMS = [
  'UID',
  'FLAGS',
  'INTERNALDATE',
  'ENVELOPE',
  'BODYSTRUCTURE',
  'RFC822',
  'RFC822.SIZE',
  'RFC822.HEADER',
  'RFC822.TEXT',
  'MODSEQ',
  'EMAILID',
  'THREADID',
  'SAVEDATE',
] as const;

export type FetchItem =
  /** BODY without section: the structure without extension data. */
  | { readonly kind: (typeof PLAIN_ITEMS)[number] | 'BODY' }
  | {
      readonly kind: 'section';
      /** Does not set \Seen. */
      readonly peek: boolean;
      readonly section: FetchSection;
      readonly range: ByteRange | undefined;
    }
  | {
      readonly kind: 'BINARY';
      readonly peek: boolean;
      readonly part: readonly number[];
      readonly range: ByteRange | undefined;
    }
  | { readonly kind: 'BINARY.SIZE'; readonly part: readonly number[] }
  | { readonly kind: 'PREVIEW' | 'SNIPPET'; readonly lazy: boolean };

/**
 *     fetch-items = "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"
 */
export function fetchItems(cursor: CommandCursor): readonly FetchItem[] {
  for (const [name, kinds] of MACROS)
    if (cursor.tryWord(name)) return kinds.map((kind) => ({ kind }));
  return cursor.sees('(') ? cursor.list(() => fetchItem(cursor), 1) : [fetchItem(cursor)];
}

const FAST = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'] as const;
const MACROS = [
  ['FAST', FAST],
  ['ALL', [...FAST, 'ENVELOPE']],
  ['FULL', [...FAST, 'ENVELOPE', 'BODY']],
] as const;

/**
 *     fetch-att = PLAIN_ITEMS / "BODY" [".PEEK"] section ["<" number64 "." nz-number64 ">"] / "BODY"
 *               / "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary
 *               / "PREVIEW" [SP "(" "LAZY" ")"] / "SNIPPET" [SP "(" ["LAZY="] "FUZZY" ")"]
 */
function fetchItem(cursor: CommandCursor): FetchItem {
  for (const peek of [false, true]) {
    const suffix = peek ? '.PEEK[' : '[';
    if (cursor.tryPrefix(`BODY${suffix}`)) {
      const section = fetchSection(cursor);
      return { kind: 'section', peek, section, range: byteRange(cursor) };
    }
    if (cursor.tryPrefix(`BINARY${suffix}`)) {
      const part = binaryPart(cursor);
      return { kind: 'BINARY', peek, part, range: byteRange(cursor) };
    }
  }
  if (cursor.tryPrefix('BINARY.SIZE[')) return { kind: 'BINARY.SIZE', part: binaryPart(cursor) };
  const kind = cursor.word([...PLAIN_ITEMS, 'BODY', 'PREVIEW', 'SNIPPET'], 'Unknown FETCH item');
  if (kind !== 'PREVIEW' && kind !== 'SNIPPET') return { kind };
  if (!cursor.tryText(' (')) return { kind, lazy: false };
  const modifiers = kind === 'PREVIEW' ? (['LAZY'] as const) : (['LAZY=FUZZY', 'FUZZY'] as const);
  const modifier = cursor.word(modifiers, 'Unknown modifier');
  cursor.text(')');
  return { kind, lazy: modifier !== 'FUZZY' };
}

/**
 * The "[" is consumed.
 *
 *     section      = "[" [section-spec] "]"
 *     section-spec = section-msgtext / section-part ["." (section-msgtext / "MIME")]
 */
function fetchSection(cursor: CommandCursor): FetchSection {
  const part: number[] = [];
  while (cursor.seesDigit()) {
    if (part.push(cursor.nzNumber()) > SECTION_DEPTH_MAX) bad('[LIMIT] Section too deep');
    if (!cursor.tryText('.')) {
      cursor.text(']');
      return { part, text: 'all', fields: [] };
    }
  }
  if (part.length === 0 && cursor.tryText(']')) return { part, text: 'all', fields: [] };
  const word = cursor.word(SECTION_TEXTS, 'Invalid section');
  if (word === 'MIME' && part.length === 0) bad('Invalid section');
  let fields: readonly string[] = [];
  if (word === 'HEADER.FIELDS' || word === 'HEADER.FIELDS.NOT') {
    cursor.space();
    fields = cursor.list(() => fieldName(cursor), 1);
  }
  cursor.text(']', 'Invalid section');
  return { part, text: SECTION_KINDS[word], fields };
}

const SECTION_TEXTS = ['HEADER', 'HEADER.FIELDS', 'HEADER.FIELDS.NOT', 'TEXT', 'MIME'] as const;
const SECTION_KINDS = {
  HEADER: 'header',
  'HEADER.FIELDS': 'fields',
  'HEADER.FIELDS.NOT': 'fields-not',
  TEXT: 'text',
  MIME: 'mime',
} as const;

/** header-fld-name = astring, of characters a field's name can have (RFC 5322, section 2.2), as it comes back. */
function fieldName(cursor: CommandCursor): string {
  const name = cursor.astring();
  return /^[\x21-\x39\x3b-\x7e]{1,998}$/.test(name) ? name : bad('Invalid header field name');
}

/** section-binary = "[" [section-part] "]"; the "[" is consumed. */
function binaryPart(cursor: CommandCursor): readonly number[] {
  const part: number[] = [];
  if (cursor.tryText(']')) return part;
  do {
    if (part.push(cursor.nzNumber()) > SECTION_DEPTH_MAX) bad('[LIMIT] Section too deep');
  } while (cursor.tryText('.'));
  cursor.text(']', 'Invalid section');
  return part;
}

/** partial = "<" number64 "." nz-number64 ">" */
function byteRange(cursor: CommandCursor): ByteRange | undefined {
  if (!cursor.tryText('<')) return undefined;
  const offset = cursor.number64();
  cursor.text('.', 'Invalid partial');
  const count = cursor.nzNumber(Number.MAX_SAFE_INTEGER);
  cursor.text('>', 'Invalid partial');
  return { offset, count };
}
