// The words of structured header fields (RFC 5322, 3.2; with the obsolete forms of 4), as qmail reads them.
//
//   token   = atom / quoted / literal / comment / "." / "," / "@" / "<" / ">" / ":" / ";"
//   atom    = 1*( "\" OCTET / any OCTET but blanks, ( [ DQUOTE and the characters above )
//   quoted  = DQUOTE *( "\" OCTET / OCTET ) DQUOTE
//   literal = "[" *( "\" OCTET / OCTET ) "]"
//   comment = "(" *( "\" OCTET / OCTET / comment ) ")"
//
// Example: `Ann (me) <"a b"@[1.2.3.4]>` is the tokens atom Ann, comment me, <, quoted `a b`, @, literal 1.2.3.4, >.
// Blanks and line ends between tokens mean nothing. Text is latin1; bytes above 127 may stand in all of them.

import { Temporary } from '@q/fault';
import { TOKENS_MAX } from './limits.ts';

export type Word = 'atom' | 'quoted' | 'literal' | 'comment';
export type Special = '.' | ',' | '@' | '<' | '>' | ':' | ';';

export interface Token {
  readonly type: Word | Special;
  /** Of a word: without its delimiters and backslashes. Of a special: the character. */
  readonly text: string;
}

/**
 * The tokens of a field's body; undefined when a quoted string, literal or comment does not end, or a `)` or `]` is
 * first in a word. Takes time in proportion to the text, however comments are nested. Throws Temporary when there are
 * more than TOKENS_MAX.
 */
export function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const char = text[at] as string;
    const special = SPECIALS.get(char);
    if (special !== undefined) {
      tokens.push(special);
      at++;
    } else if (char === ' ' || char === '\n' || char === '\t' || char === '\r') {
      at++;
    } else if (char === ')' || char === ']') {
      return undefined;
    } else {
      const type = OPENS[char] ?? 'atom';
      const word = type === 'atom' ? atom(text, at) : delimited(type, text, at + 1);
      if (word === undefined) return undefined;
      if (word.token !== undefined) tokens.push(word.token);
      at = word.end;
    }
    if (tokens.length > TOKENS_MAX) throw new Temporary('out of memory');
  }
  return tokens;
}

/** A special as a token: there is one of each. */
export function special(char: Special): Token {
  return SPECIALS.get(char) as Token;
}

const SPECIALS: ReadonlyMap<string, Token> = new Map(
  ([...'.,@<>:;'] as Special[]).map((char) => [char, { type: char, text: char }]),
);

const OPENS: Readonly<Record<string, Exclude<Word, 'atom'>>> = {
  '"': 'quoted',
  '[': 'literal',
  '(': 'comment',
};
const CLOSES = { quoted: '"', literal: ']', comment: ')' } as const;

interface Read {
  /** Absent for a lone backslash at the end, which means nothing. */
  readonly token?: Token;
  readonly end: number;
}

/**
 * An atom that holds what no atom may (by a backslash, or as qmail lets it: controls, 8-bit bytes, `)` and `]`) is a
 * quoted string from now on, so that it means the same when it is written again.
 */
function atom(text: string, start: number): Read {
  const read: string[] = []; // Joined once: a word may be millions of escaped characters.
  let at = start;
  for (;;) {
    ATOM_RUN.lastIndex = at;
    const run = ATOM_RUN.exec(text)?.[0] ?? '';
    read.push(run);
    at += run.length;
    if (text[at] !== '\\') break;
    // A backslash before a line end escapes nothing: folding is not part of the text.
    if (at + 1 >= text.length || isFold(text, at + 1)) {
      at++;
      break;
    }
    read.push(text[at + 1] as string);
    at += 2;
  }
  const word = read.join('');
  if (word === '') return { end: at };
  return { token: { type: PLAIN_ATOM.test(word) ? 'atom' : 'quoted', text: word }, end: at };
}

const ATOM_RUN = /[^ \t\r\n(["<>;:@,.\\]*/y;
const PLAIN_ATOM = /^[!#-'*+\-/-9=?A-Z^-~]*$/;

/** The rest of a word from behind its opening delimiter. Parentheses inside a comment must pair, and are dropped. */
function delimited(type: Exclude<Word, 'atom'>, text: string, start: number): Read | undefined {
  const close = CLOSES[type];
  const run = INNER_RUN[type];
  const read: string[] = [];
  let depth = 1;
  for (let at = start; at < text.length; ) {
    run.lastIndex = at;
    const plain = run.exec(text)?.[0] ?? '';
    read.push(plain);
    at += plain.length;
    const char = text[at];
    if (char === close) {
      if (--depth === 0) return { token: { type, text: read.join('') }, end: at + 1 };
    } else if (char === '\r') {
      if (!isFold(text, at)) read.push(char);
    } else if (char === '\\') {
      const next = text[++at];
      if (next === undefined) return undefined;
      if (next !== '\r' || !isFold(text, at)) read.push(next);
    } else if (char !== undefined) {
      depth++; // an opening parenthesis: nothing else ends a run
    }
    at++;
  }
  return undefined;
}

const INNER_RUN = {
  quoted: /[^"\\\r]*/y,
  literal: /[^\]\\\r]*/y,
  comment: /[^()\\\r]*/y,
} as const;

/** True at a line end that folding made: LF or CR LF before a blank. */
function isFold(text: string, at: number): boolean {
  const lf = text[at] === '\r' ? at + 1 : at;
  return text[lf] === '\n' && (text[lf + 1] === ' ' || text[lf + 1] === '\t');
}
