// Cuts the header off a message that comes in chunks, LF line ends, and gives its fields one by one. It holds one
// field at a time. The rules are those of qmail-header(5):
//
//   - The header ends at an empty line, at the end of the message, or before the first line that is no field.
//   - A line that begins with a blank goes on with the field before it.
//   - A line that begins with "From " is an mbox separator; it becomes the field "MBOX-Line: From ...". With a colon
//     right after the blanks it is the field From as RFC 822 allowed to write it (RFC 5322, A.6.3).
//   - A last line without LF gets one.

import { textOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { HEADER_MAX } from './limits.ts';

export interface HeaderReaderOptions {
  /** Called with each field's whole text, every line with its LF. */
  readonly onField: (text: string) => void;
  /** Most bytes of a header, HEADER_MAX by default. */
  readonly limit?: number;
}

type State =
  | 'line' // at the first byte of a line
  | 'name' // inside what may be a field name
  | 'after-name' // blanks behind it: only a colon may follow
  | 'body' // inside a field's body, up to its LF
  | 'done';

export class HeaderReader {
  readonly #onField: (text: string) => void;
  readonly #limit: number;
  #state: State = 'line';
  /** Earlier lines of the field; complete, each with its LF. */
  #field = '';
  /** The line so far, of which earlier chunks had the beginning. */
  #line = '';
  #size = 0;

  constructor(options: HeaderReaderOptions) {
    this.#onField = options.onField;
    this.#limit = options.limit ?? HEADER_MAX;
  }

  /** True once the header is over. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /**
   * Takes the next bytes. When the header ends in them, gives what follows it: always beginning with an empty line,
   * even if the message has none. Throws Temporary when the header grows over the limit.
   */
  push(chunk: Uint8Array): Buffer | undefined {
    const text = textOf(chunk);
    let start = 0; // of the part of the line that lies in this chunk
    for (let at = 0; at < text.length; ) {
      const next = this.#step(text, at);
      if (next === 'over') return this.#over(text.slice(start));
      at = next;
      if (this.#state !== 'line') continue;
      this.#field += this.#line + text.slice(start, at);
      this.#line = '';
      start = at;
    }
    this.#line += text.slice(start);
    this.#size += text.length;
    if (this.#size > this.#limit) throw new Temporary('out of memory');
    return undefined;
  }

  /** The message is over. Gives what follows the header, as push() does: a last line that was no field. */
  end(): Buffer | undefined {
    const rest = this.#line === '' ? undefined : this.push(Buffer.from('\n'));
    if (this.#state === 'done') return rest;
    this.#flush();
    this.#state = 'done';
    return undefined;
  }

  /** Looks at the byte `at`; says where the next one to look at is, or that it ended the header. */
  #step(text: string, at: number): number | 'over' {
    const byte = text.charCodeAt(at);
    switch (this.#state) {
      case 'line':
        if ((byte === SPACE || byte === TAB) && this.#field !== '') {
          this.#state = 'body';
          return at;
        }
        this.#flush();
        if (!isNameByte(byte)) return 'over';
        this.#state = 'name';
        return at + 1;
      case 'name':
        if (isNameByte(byte)) return at + 1;
        if (byte === COLON) this.#state = 'body';
        else if (byte === SPACE || byte === TAB) this.#state = 'after-name';
        else return 'over';
        return at + 1;
      case 'after-name':
        if (byte === SPACE || byte === TAB) return at + 1;
        if (byte !== COLON && !this.#isSeparator(text, at)) return 'over';
        this.#state = 'body';
        return at;
      case 'body': {
        const end = text.indexOf('\n', at);
        if (end < 0) return text.length;
        this.#state = 'line';
        return end + 1;
      }
      case 'done':
        return 'over';
    }
  }

  /** True, and the line has a name then, when it begins with "From ". */
  #isSeparator(text: string, at: number): boolean {
    const from = text.lastIndexOf('\n', at - 1) + 1;
    const line = this.#line === '' ? text.slice(from, at) : this.#line + text.slice(0, at);
    if (!line.startsWith('From ')) return false;
    this.#field = 'MBOX-Line: ';
    return true;
  }

  #flush(): void {
    if (this.#field !== '') this.#onField(this.#field);
    this.#field = '';
  }

  #over(rest: string): Buffer {
    if (this.#state === 'done') return Buffer.from(rest, 'latin1');
    this.#state = 'done';
    const line = this.#line + rest;
    this.#line = '';
    return Buffer.from(line.startsWith('\n') ? line : `\n${line}`, 'latin1');
  }
}

function isNameByte(byte: number): boolean {
  return byte > SPACE && byte < 127 && byte !== COLON;
}

const TAB = 9;
const SPACE = 32;
const COLON = 58;
