// A message file on its way to a POP3 client: RFC 1939 section 3, "multi-line responses".
//
//     stored   From: a LF LF .hidden LF last            sent   From: a CRLF CRLF ..hidden CRLF last CRLF
//                                                              CRLF . CRLF
//
// A stored CRLF (mail that came in by import) is sent as it is, not as CR CRLF; any other CR is only a byte.
// The empty line before the last dot is qmail-pop3d's and stays: clients have shown it for decades.

const CR = 13;
const LF = 10;
const DOT = 46;

/** Bytes of a line that are copied one by one; for more than these a call of the copying kind is cheaper. */
const FEW = 24;

/** What ends every message sent by RETR and TOP. */
const END = Buffer.from('\r\n.\r\n');

/**
 * Where in a line the next byte stands:
 *   start   first byte of a line: a dot is doubled, an LF makes the line empty
 *   middle  anywhere else
 *   cr      after a CR: an LF now needs no CR of ours
 */
type Place = 'start' | 'middle' | 'cr';

/** Encodes one message, chunk by chunk; holds no byte back. */
export class BodyEncoder {
  #place: Place = 'start';
  /** True for a CR that is the first byte of its line: CRLF ends the header just as LF does. */
  #crFirst = false;
  #inHeader = true;
  #linesLeft: number;
  #done = false;

  /** `bodyLines`: how many lines after the header are wanted (TOP); all of them when it is not given. */
  constructor(bodyLines = Number.POSITIVE_INFINITY) {
    this.#linesLeft = bodyLines;
  }

  /** True when the wanted lines are out: the rest of the file need not be read. */
  get done(): boolean {
    return this.#done;
  }

  /** The bytes to send for `chunk`; a buffer of its own. */
  push(chunk: Buffer): Buffer {
    // Each stored byte becomes at most two: LF turns into CRLF, a first dot is doubled.
    const out = Buffer.allocUnsafe(chunk.length * 2);
    let used = 0;
    let place = this.#place;
    for (let at = 0; at < chunk.length && !this.#done; at++) {
      const end = lineEnd(chunk, at);
      if (end > at) {
        if (place === 'start' && chunk[at] === DOT) out[used++] = DOT;
        used = copied(chunk, at, end, out, used);
        const cr = chunk[end - 1] === CR;
        this.#crFirst = cr && place === 'start' && end - at === 1;
        place = cr ? 'cr' : 'middle';
      }
      at = end;
      if (end === chunk.length) break;
      if (place !== 'cr') out[used++] = CR;
      out[used++] = LF;
      this.#lineEnds(place === 'start' || (place === 'cr' && this.#crFirst));
      place = 'start';
    }
    this.#place = place;
    return out.subarray(0, used);
  }

  /** The end of the reply; ends an unfinished last line first. */
  finish(): Buffer {
    if (this.#place === 'start') return END;
    const rest = this.#place === 'cr' ? '\n' : '\r\n';
    return Buffer.concat([Buffer.from(rest), END]);
  }

  #lineEnds(empty: boolean): void {
    if (!this.#inHeader) this.#linesLeft--;
    else if (empty) this.#inHeader = false;
    if (!this.#inHeader && this.#linesLeft <= 0) this.#done = true;
  }
}

/** Where the next LF is from `at` on, or the end. */
function lineEnd(chunk: Buffer, at: number): number {
  const near = Math.min(at + FEW, chunk.length);
  for (let i = at; i < near; i++) if (chunk[i] === LF) return i;
  const found = chunk.indexOf(LF, near);
  return found < 0 ? chunk.length : found;
}

/** Copies, and says where in `out` the next byte goes. */
function copied(chunk: Buffer, from: number, to: number, out: Buffer, used: number): number {
  if (to - from > FEW) return used + chunk.copy(out, used, from, to);
  for (let i = from; i < to; i++) out[used++] = chunk[i] as number;
  return used;
}
