// Tokens as text again: in a header field, folded as qmail folds, and in an envelope.

import { unfold } from './field.ts';
import type { Token } from './token.ts';

/** qmail's line length for fields it writes. A line ends at a comma, with at most two columns less. */
const FOLD_WIDTH = 80;

/**
 * A header field of these tokens, with its LF: `To: a@b, c@d`. It is folded behind commas: `,\n  `. Line ends inside
 * words stay where they are.
 */
export function formatField(name: string, tokens: readonly Token[]): string {
  let text = '';
  let column: number | undefined; // of the line that `text` ends with; unknown before its first piece
  let piece = `${name}:`;
  let before = ':';
  const breakBefore = (end: boolean) => {
    const fits = column === undefined || column + 2 + piece.length <= FOLD_WIDTH;
    // The piece behind a last comma is empty: a line of its own would be one of blanks.
    if (fits || (end && piece === '')) {
      text += piece;
      column = (column ?? 0) + piece.length;
    } else {
      text += `\n ${piece}`;
      column = 1 + piece.length;
    }
    piece = '';
  };
  for (const token of tokens) {
    if (needsSpace(before, token.type)) piece += ' ';
    piece += written(token);
    before = token.type;
    if (token.type === ',') breakBefore(false);
  }
  breakBefore(true);
  return `${text}\n`;
}

/** What an address's tokens say, as an envelope has it: no quotes, no backslashes, no comments, no folding. */
export function plainText(tokens: Iterable<Token>): string {
  let text = '';
  for (const token of tokens) {
    if (token.type === 'literal') text += `[${unfold(token.text)}]`;
    else if (token.type === 'quoted') text += unfold(token.text);
    else if (token.type !== 'comment') text += token.text;
  }
  return text;
}

function needsSpace(before: string, type: Token['type']): boolean {
  if (before === ':' || before === ',' || type === '<') return true;
  return isWord(before) && isWord(type);
}

function isWord(type: string): boolean {
  return type.length > 1;
}

function written(token: Token): string {
  switch (token.type) {
    case 'atom':
      return escaped(token.text);
    case 'quoted':
      return `"${escaped(token.text)}"`;
    case 'literal':
      return `[${escaped(token.text)}]`;
    case 'comment':
      return `(${escaped(token.text)})`;
    default:
      return token.text;
  }
}

/**
 * qmail escapes these in all words. A line end before a blank is folding and stays one; no other can come from a header,
 * and must not end a field.
 */
function escaped(text: string): string {
  return text.replace(/\n(?![ \t])/g, ' ').replace(/["[\]()\\\r]/g, '\\$&');
}
