// A message as it comes over the wire becomes one as it stands in a file: CRLF becomes LF. Any other CR stays.

/** For one message; its pieces may end anywhere. */
export class LineEnds {
  #cr = false;

  /** What is to be written for the next piece: perhaps `bytes` itself, or a changed part of it. `last`: nothing follows. */
  convert(bytes: Buffer, last: boolean): Buffer {
    if (bytes.length === 0 && !last) return bytes;
    const held = this.#cr;
    const first = bytes.indexOf(CR);
    this.#cr = false;
    if (first < 0 && !held) return bytes;
    const out = Buffer.allocUnsafe(bytes.length + 1);
    let end = 0;
    if (held && bytes[0] !== LF) out[end++] = CR;
    let at = 0;
    for (let cr = first; cr >= 0; cr = bytes.indexOf(CR, at)) {
      end += bytes.copy(out, end, at, cr);
      at = cr + 1;
      if (at === bytes.length && !last) this.#cr = true;
      else if (bytes[at] !== LF) out[end++] = CR;
    }
    end += bytes.copy(out, end, at);
    return out.subarray(0, end);
  }
}

const CR = 13;
const LF = 10;
