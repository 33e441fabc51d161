// A place in the text of a structured header field, with the few things all of them are read with (RFC 5322, 3.2;
// RFC 2045, 5.1): blanks and comments, quoted strings, runs of characters. Nothing a sender writes is refused: what is
// not closed ends with the field, what cannot stand where it does is text. Each step takes time in proportion to what it
// passes, however comments are nested.
//
// This is not the tokenizer of @q/rfc822: that one gives qmail's words, which a rewritten field is made of again. It
// refuses a field it cannot write again, knows no "=" or "/", and forgets where blanks stood, which a name needs.

export class Cursor {
  readonly text: string;
  at = 0;
  /** What the last comment that was passed said: without its parentheses and backslashes. */
  comment: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The character here; empty at the end. */
  get here(): string {
    return this.text[this.at] ?? '';
  }

  /** Passes blanks and comments. True when there were any. */
  blanks(): boolean {
    const start = this.at;
    for (;;) {
      this.run(BLANKS);
      if (this.here !== '(') return this.at > start;
      this.comment = this.#delimited(COMMENT);
    }
  }

  /** The longest match of a sticky expression, here; it is passed. */
  run(expression: RegExp): string {
    expression.lastIndex = this.at;
    const found = expression.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  /** At a DQUOTE: what the quoted string says. */
  quoted(): string {
    return this.#delimited(QUOTED);
  }

  /** From behind an opening delimiter to behind its closing one; delimiters inside a comment must pair, and stay. */
  #delimited(kind: { readonly close: string; readonly plain: RegExp }): string {
    const read: string[] = []; // joined once: there may be a hundred thousand
    let depth = 1;
    this.at++;
    while (!this.atEnd) {
      read.push(this.run(kind.plain));
      const char = this.here;
      this.at++;
      if (char === kind.close) {
        if (--depth === 0) break;
      } else if (char === '(') {
        depth++;
      } else if (char === '\\') {
        read.push(this.here);
        this.at++;
        continue;
      }
      read.push(char);
    }
    return read.join('');
  }
}

const BLANKS = /[ \t\r\n]*/y;
const QUOTED = { close: '"', plain: /[^"\\]*/y };
const COMMENT = { close: ')', plain: /[^()\\]*/y };
