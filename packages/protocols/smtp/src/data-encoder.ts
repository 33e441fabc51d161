// A message in our form (LF line ends) to the form after DATA: RFC 5321, 4.1.1.4 and 4.5.2.
//
// LF becomes CRLF, a dot at the start of a line is doubled. A CRLF that stands in the message goes out
// as it is, not as CR CR LF. A message whose last line has no LF cannot be said in SMTP: partialLine
// tells, and the caller must not end such a message with end().

const LF = 10;
const CR = 13;
const DOT = 46;

export class DataEncoder {
  #lineStart = true;
  #afterCr = false;

  /** True when the message, if it ended here, would end in the middle of a line. */
  get partialLine(): boolean {
    return !this.#lineStart;
  }

  /**
   * The wire's form of the next bytes of the message, at the start of `out`, which must hold twice as many
   * bytes; a caller with a long message uses one again and again.
   */
  push(chunk: Buffer, out = Buffer.allocUnsafe(2 * chunk.length)): Buffer {
    let length = 0;
    let start = 0;
    while (start < chunk.length) {
      if (this.#lineStart && chunk[start] === DOT) out[length++] = DOT;
      const lf = chunk.indexOf(LF, start);
      const end = lf < 0 ? chunk.length : lf;
      length += chunk.copy(out, length, start, end);
      if (end > start) this.#afterCr = chunk[end - 1] === CR;
      this.#lineStart = lf >= 0;
      start = end + 1;
      if (lf < 0) break;
      if (!this.#afterCr) out[length++] = CR;
      out[length++] = LF;
      this.#afterCr = false;
    }
    return out.subarray(0, length);
  }

  /** What ends the message. */
  end(): Buffer {
    return Buffer.from('.\r\n', 'latin1');
  }
}
