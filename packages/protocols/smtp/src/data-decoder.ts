// The message after DATA, from the wire's form to ours: RFC 5321, 4.1.1.4 and 4.5.2.
//
//   data = *( line ) "." CRLF             ; the dot stands at the start of a line
//   line = [ "." ] *OCTET CRLF            ; a line that begins with a dot has one more in front
//
// CRLF becomes LF and the doubled dot is undone. Nothing but CRLF.CRLF ends a message, and a bare LF
// is an error: what one server takes for the end of a message another must not take for its middle
// (SMTP smuggling). A CR elsewhere is an ordinary byte and stays.

const LF = 10;
const CR = 13;
const DOT = 46;
const EMPTY = Buffer.alloc(0);

export interface Decoded {
  /** 'bare-lf' is final, as 'end' is: the stream cannot be understood from there on. */
  readonly state: 'more' | 'end' | 'bare-lf';
  /** What became known of the message by this chunk. A view of the room it was given, if that was any. */
  readonly data: Buffer;
  /** How many bytes of the chunk belong to the message; the rest is commands. */
  readonly consumed: number;
}

export class DataDecoder {
  /** Nothing of the current line has been passed on. */
  #lineStart = true;
  /** The end of the last chunk, undecided till the next byte: "", ".", ".\r" or "\r". */
  #held: Buffer = EMPTY;

  /**
   * `room` is where the result may be written, as large as the chunk: the chunk itself, if it is not needed any
   * more up to what is consumed of it.
   */
  push(chunk: Buffer, room: Buffer = Buffer.allocUnsafe(chunk.length)): Decoded {
    const before = this.#held.length;
    const bytes = before === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = EMPTY;
    // The result is never longer than what it is made of, nor written where that has not been read yet.
    const out = before === 0 ? room : bytes;
    let length = 0;
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      if (end === start || bytes[end - 1] !== CR) {
        return { state: 'bare-lf', data: out.subarray(0, length), consumed: end + 1 - before };
      }
      const from = this.#afterDot(bytes, start, end);
      if (from === undefined) {
        return { state: 'end', data: out.subarray(0, length), consumed: end + 1 - before };
      }
      length += bytes.copy(out, length, from, end - 1);
      out[length++] = LF;
      start = end + 1;
      this.#lineStart = true;
    }
    length += this.#unfinished(bytes, start, out.subarray(length));
    return { state: 'more', data: out.subarray(0, length), consumed: chunk.length };
  }

  /** Where the text of the line start..end begins; undefined when the line ends the message. */
  #afterDot(bytes: Buffer, start: number, end: number): number | undefined {
    if (!this.#lineStart || bytes[start] !== DOT) return start;
    if (bytes[start + 1] !== CR) return start + 1;
    // ".\r" without LF behind it was not made by doubling; it stays as it is, as in qmail.
    return end === start + 2 ? undefined : start;
  }

  /** Passes on the beginning of a line whose end is not here yet, but for the bytes that may still turn out to be an end. */
  #unfinished(bytes: Buffer, start: number, out: Buffer): number {
    let end = bytes.length;
    if (start === end) return 0;
    const undecided = this.#lineStart && bytes[start] === DOT;
    if (undecided && (end === start + 1 || (end === start + 2 && bytes[end - 1] === CR))) {
      this.#held = Buffer.from(bytes.subarray(start));
      return 0;
    }
    if (bytes[end - 1] === CR) {
      this.#held = Buffer.of(CR);
      end--;
    }
    if (start === end) return 0;
    const from = undecided && bytes[start + 1] !== CR ? start + 1 : start;
    this.#lineStart = false;
    return bytes.copy(out, 0, from, end);
  }
}
