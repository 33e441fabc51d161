// Reads the tokens of a command from left to right (RFC 9051, section 9). Two families of methods: those that begin
// with "try" consume what they name or nothing; all others throw a CommandError when it is not there.
// Tokens are latin1 text: one character a byte.

import { asciiLower, textOf } from '@q/bytes';
import { bad } from './command-error.ts';
import { LIST_MAX } from './limits.ts';
import type { CommandPiece } from './reader-event.ts';

export class CommandCursor {
  /** The client has enabled UTF8=ACCEPT or IMAP4rev2: quoted strings may hold UTF-8 (RFC 6855). */
  readonly utf8: boolean;
  readonly #pieces: readonly CommandPiece[];
  #index = 0;
  /** The text piece at #index, and the place in it. */
  #text: string;
  #at = 0;

  constructor(pieces: readonly CommandPiece[], utf8: boolean) {
    this.#pieces = pieces;
    this.utf8 = utf8;
    this.#text = pieceText(pieces[0]);
  }

  /** Consumes exactly this text, which is punctuation or a space. */
  tryText(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Consumes this word, whatever its case, when no further character of an atom follows. */
  tryWord(word: string): boolean {
    const end = this.#at + word.length;
    const here = this.#text.slice(this.#at, end);
    if (asciiLower(here) !== asciiLower(word)) return false;
    if (end < this.#text.length && isAtomCharacter(this.#text.charCodeAt(end))) return false;
    this.#at = end;
    return true;
  }

  /** Consumes this text, whatever its case and whatever follows. */
  tryPrefix(text: string): boolean {
    const end = this.#at + text.length;
    if (asciiLower(this.#text.slice(this.#at, end)) !== asciiLower(text)) return false;
    this.#at = end;
    return true;
  }

  seesDigit(): boolean {
    const code = this.#text.charCodeAt(this.#at);
    return code >= 0x30 && code <= 0x39;
  }

  /** Whether `text` is next; consumes nothing. */
  sees(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  text(text: string, message = 'Syntax error'): void {
    if (!this.tryText(text)) bad(message);
  }

  space(): void {
    this.text(' ', 'Missing argument');
  }

  /** The command must be over. */
  end(): void {
    if (this.#at < this.#text.length || this.#index < this.#pieces.length - 1)
      bad('Too many arguments');
  }

  atEnd(): boolean {
    return this.#at === this.#text.length && this.#index === this.#pieces.length - 1;
  }

  /** atom = 1*ATOM-CHAR */
  atom(): string {
    return this.#run(isAtomCharacter) ?? bad('Missing or invalid atom');
  }

  /** One of `words`, in the case they have there. */
  word<Word extends string>(words: readonly Word[], message: string): Word {
    const start = this.#at;
    const given = asciiLower(this.#run(isAtomCharacter) ?? '');
    const word = words.find((one) => asciiLower(one) === given);
    if (word !== undefined) return word;
    this.#at = start;
    return bad(message);
  }

  /** Consumes all characters that `belongs` is true for; undefined when there is none. */
  #run(belongs: (code: number) => boolean): string | undefined {
    const start = this.#at;
    while (this.#at < this.#text.length && belongs(this.#text.charCodeAt(this.#at))) this.#at += 1;
    return this.#at === start ? undefined : this.#text.slice(start, this.#at);
  }

  /** Characters of a sequence set; whether it is one, parseSequenceSet says. */
  setText(): string {
    return this.#run(isSetCharacter) ?? bad('Missing sequence set');
  }

  /** Characters of a number with a sign, a date, or a partial's range: letters, digits, "-", "+", ":" and ",". */
  plainText(): string {
    return this.#run((code) => isSetCharacter(code) || isLetterOrSign(code)) ?? bad('Syntax error');
  }

  /** initial-resp = base64 / "="; whether it is base64, the mechanism says. */
  base64(): string {
    return this.#run(isBase64Character) ?? bad('Missing initial response');
  }

  /** number = 1*DIGIT, at most `max`; leading zeros are allowed. */
  number(max = NUMBER_MAX): number {
    const digits = this.#run((code) => code >= 0x30 && code <= 0x39) ?? bad('Missing number');
    const number = Number(digits);
    return number > max ? bad('Number too large') : number;
  }

  /** nz-number = digit-nz *DIGIT */
  nzNumber(max = NUMBER_MAX): number {
    if (this.sees('0')) bad('Number must not begin with zero');
    return this.number(max);
  }

  /** number64 and mod-sequences: up to 2^53-1, above which nothing of ours is numbered. */
  number64(): number {
    return this.number(Number.MAX_SAFE_INTEGER);
  }

  /**
   *     astring = 1*ASTRING-CHAR / string        ; ASTRING-CHAR = ATOM-CHAR / "]"
   */
  astring(options: { readonly eightBit?: boolean } = {}): string {
    return (
      this.tryString(options) ?? this.#run(isAstringCharacter) ?? bad('Missing or invalid argument')
    );
  }

  /** list-mailbox = 1*list-char / string, where list-char may also be "%", "*" and "]". */
  listMailbox(): string {
    return this.tryString() ?? this.#run(isListCharacter) ?? bad('Missing or invalid pattern');
  }

  /** string = quoted / literal */
  string(): string {
    return this.tryString() ?? bad('Missing string');
  }

  /** nstring = string / "NIL" */
  nstring(): string | undefined {
    return this.tryWord('NIL') ? undefined : this.string();
  }

  /** nstring / literal8, whose bytes are any. */
  nstring8(): string | undefined {
    const piece = this.#pieces[this.#index + 1];
    if (this.#at === this.#text.length && piece?.kind === 'literal') {
      this.#passPiece();
      return textOf(piece.bytes);
    }
    return this.nstring();
  }

  tryString(options: { readonly eightBit?: boolean } = {}): string | undefined {
    if (this.tryText('"')) return this.#quoted(options.eightBit === true);
    const piece = this.#pieces[this.#index + 1];
    if (this.#at < this.#text.length || piece?.kind !== 'literal') return undefined;
    if (piece.binary) bad('Binary literal not allowed here');
    this.#passPiece();
    return textOf(piece.bytes);
  }

  /** The message that stands here; undefined when there is none. */
  tryMessage(): Extract<CommandPiece, { kind: 'message' }> | undefined {
    const piece = this.#pieces[this.#index + 1];
    if (this.#at < this.#text.length || piece?.kind !== 'message') return undefined;
    this.#passPiece();
    return piece;
  }

  /** "(" [item *(SP item)] ")", with at least `least` items. */
  list<Item>(item: () => Item, least = 0): Item[] {
    this.text('(', 'Missing list');
    const items: Item[] = [];
    if (!this.tryText(')')) {
      do {
        if (items.push(item()) > LIST_MAX) bad('[LIMIT] List too long');
      } while (this.tryText(' '));
      this.text(')', 'List not closed');
    }
    return items.length < least ? bad('Empty list') : items;
  }

  /** quoted = DQUOTE *QUOTED-CHAR DQUOTE; the opening quote is consumed. */
  #quoted(eightBit: boolean): string {
    QUOTED.lastIndex = this.#at;
    const match = QUOTED.exec(this.#text);
    if (match === null) return bad('Invalid quoted string');
    this.#at = QUOTED.lastIndex;
    const raw = match[1] ?? '';
    if (!eightBit && /[\x80-\xff]/.test(raw) && !(this.utf8 && utf8Text(raw) !== undefined))
      return bad('8-bit characters in quoted string');
    return raw.includes('\\') ? raw.replace(/\\(.)/g, '$1') : raw;
  }

  #passPiece(): void {
    this.#index += 2;
    this.#text = pieceText(this.#pieces[this.#index]);
    this.#at = 0;
  }
}

/** The text whose UTF-8 form latin1 `text` holds; undefined when it is not well-formed. */
export function utf8Text(text: string): string | undefined {
  try {
    return STRICT.decode(Buffer.from(text, 'latin1'));
  } catch {
    return undefined;
  }
}

function pieceText(piece: CommandPiece | undefined): string {
  return piece?.kind === 'text' ? textOf(piece.bytes) : '';
}

/** ATOM-CHAR: any CHAR but CTL, SP, "(", ")", "{", "%", "*", DQUOTE, "\" and "]". */
function isAtomCharacter(code: number): boolean {
  return code > 0x20 && code < 0x7f && !'(){%*"\\]'.includes(String.fromCharCode(code));
}

function isAstringCharacter(code: number): boolean {
  return code === 0x5d || isAtomCharacter(code);
}

function isListCharacter(code: number): boolean {
  return code === 0x25 || code === 0x2a || isAstringCharacter(code);
}

/** DIGIT, "*", ":", ",", "$" */
function isSetCharacter(code: number): boolean {
  return (code >= 0x30 && code <= 0x3a) || code === 0x2a || code === 0x2c || code === 0x24;
}

function isLetterOrSign(code: number): boolean {
  return (
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x2d ||
    code === 0x2b
  );
}

function isBase64Character(code: number): boolean {
  return (
    code === 0x3d ||
    code === 0x2f ||
    (isAtomCharacter(code) && /[A-Za-z0-9+]/.test(String.fromCharCode(code)))
  );
}

const NUMBER_MAX = 0xffff_ffff;
const QUOTED = /([^"\\]*(?:\\["\\][^"\\]*)*)"/y;
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
