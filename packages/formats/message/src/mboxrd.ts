// mboxrd: each line that matches ">*From " gets one more ">", so that only message separators begin with
// "From ". A partial last line is completed, and an empty line follows the message. mbox(5).

const LF = 10;
const QUOTE = 62;
const FROM = Buffer.from('From ');

/** Copies a message chunk by chunk, whatever the cuts; holds at most the five bytes of "From ". */
export class MboxrdEncoder {
  /** 'quotes': only ">" since the line's start; 'from': "From " may be beginning; 'line': anything else. */
  #state: 'quotes' | 'from' | 'line' = 'quotes';
  /** Bytes of "From " seen and not yet given. */
  #matched = 0;
  #atLineStart = true;

  /** The encoded bytes for `chunk`; views into it where nothing had to be added. */
  push(chunk: Buffer): Buffer[] {
    const out: Buffer[] = [];
    let given = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === 'line') {
        const end = chunk.indexOf(LF, at);
        if (end < 0) break;
        at = end + 1;
        this.#state = 'quotes';
        continue;
      }
      const byte = chunk[at] as number;
      if (this.#state === 'quotes' && byte === QUOTE) {
        at++;
        continue;
      }
      if (byte === FROM[this.#matched]) {
        if (this.#matched === 0) {
          out.push(chunk.subarray(given, at));
          this.#state = 'from';
        }
        at++;
        given = at;
        if (++this.#matched === FROM.length) out.push(this.#release(true));
        continue;
      }
      // Not "From ": the same byte is looked at again as part of an ordinary line, where it may be a LF.
      if (this.#matched > 0) out.push(this.#release(false));
      else this.#state = 'line';
    }
    out.push(chunk.subarray(given));
    const last = chunk.at(-1);
    if (last !== undefined) this.#atLineStart = last === LF;
    return out.filter((piece) => piece.length > 0);
  }

  /** What ends the message: what was held, the missing newline, the empty line. */
  finish(): Buffer {
    const held = this.#matched > 0 ? this.#release(false) : Buffer.alloc(0);
    return Buffer.concat([held, Buffer.from(this.#atLineStart ? '\n' : '\n\n')]);
  }

  #release(quoted: boolean): Buffer {
    const bytes = Buffer.concat([Buffer.from(quoted ? '>' : ''), FROM.subarray(0, this.#matched)]);
    this.#matched = 0;
    this.#state = 'line';
    return bytes;
  }
}
