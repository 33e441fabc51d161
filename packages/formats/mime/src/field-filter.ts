// Of a header, the fields with certain names, or those without: HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501, 6.4.5).
// Takes the header as it is sent, in pieces, and holds no more than the beginning of a line. The empty line at the end
// is always among what it gives.

import { asciiLower } from '@q/bytes';

type State =
  | 'line' // at the beginning of a line, or in one of which the name is not known yet
  | 'kept' // inside a line that is given
  | 'dropped'; // inside one that is not

export class FieldFilter {
  readonly #names: ReadonlySet<string>;
  readonly #not: boolean;
  #state: State = 'line';
  /** The field that the last line belongs to is given: so are the lines that go on with it. */
  #keeps = false;
  #held: Buffer = EMPTY;

  /** `not`: the fields with other names are wanted. Names in any case. */
  constructor(names: Iterable<string>, not: boolean) {
    this.#names = new Set([...names].map(asciiLower));
    this.#not = not;
  }

  /** What the next bytes give. */
  push(bytes: Buffer): Buffer {
    const text = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    return this.#filter(text, false);
  }

  /** The header is over. */
  end(): Buffer {
    return this.#filter(this.#held, true);
  }

  #filter(text: Buffer, last: boolean): Buffer {
    const out: Buffer[] = [];
    this.#held = EMPTY;
    for (let at = 0; at < text.length; ) {
      const lf = text.indexOf(LF, at);
      const end = lf < 0 ? text.length : lf + 1;
      if (this.#state === 'line') {
        const keeps = this.#decide(text, at, end, last || lf >= 0);
        if (keeps === undefined) {
          this.#held = Buffer.from(text.subarray(at));
          break;
        }
        this.#state = keeps ? 'kept' : 'dropped';
      }
      if (this.#state === 'kept') out.push(text.subarray(at, end));
      if (lf >= 0) this.#state = 'line';
      at = end;
    }
    return out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out);
  }

  /** Is the line from `at` to `end` given? Undefined when its name may go on. */
  #decide(text: Buffer, at: number, end: number, complete: boolean): boolean | undefined {
    const first = text[at];
    if (first === SPACE || first === TAB) return this.#keeps;
    if (first === CR && end === at + 1 && !complete) return undefined;
    if (first === LF || (first === CR && text[at + 1] === LF)) return true;
    const limit = Math.min(end, at + NAME_MAX);
    const colon = text.subarray(at, limit).indexOf(COLON);
    if (colon < 0 && !complete && limit < at + NAME_MAX) return undefined;
    // A line without a name is in no list.
    const name = colon < 0 ? '' : asciiLower(text.toString('latin1', at, at + colon)).trimEnd();
    this.#keeps = this.#names.has(name) !== this.#not;
    return this.#keeps;
  }
}

/** A longer name is none that a client asks for. */
const NAME_MAX = 1000;
const EMPTY: Buffer = Buffer.alloc(0);
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
