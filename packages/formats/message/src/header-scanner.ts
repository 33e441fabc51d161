// Watches a message go by, LF line ends, and knows where its header ends, how long it is and how many
// hops it has seen. It holds at most HEADER_LINE_KEPT bytes, however long the lines are, and once the
// header is over it costs nothing.

import { HEADER_LINE_KEPT } from './limits.ts';

export interface HeaderScannerOptions {
  /**
   * Called for each header line, without its LF; the empty line that ends the header is not one.
   * `overlong`: only the first HEADER_LINE_KEPT bytes are there. The bytes are valid during the call.
   */
  readonly onLine?: (line: Buffer, overlong: boolean) => void;
}

/**
 * push() each chunk of the message in order, end() after the last; the chunks are not changed or kept.
 *
 *   header = *( *OCTET LF ) ( LF / end of message )
 */
export class HeaderScanner {
  readonly #onLine: HeaderScannerOptions['onLine'];
  readonly #kept: number;
  #inHeader = true;
  #headerBytes = 0;
  #hops = 0;
  /** The line so far, when its start was in an earlier chunk: at most #kept bytes, and its full length. */
  #parts: Buffer[] = [];
  #held = 0;
  #lineLength = 0;

  constructor(options: HeaderScannerOptions = {}) {
    this.#onLine = options.onLine;
    this.#kept = options.onLine ? HEADER_LINE_KEPT : HOP_NAME_MAX;
  }

  /** False once the empty line has passed, or end() was called. */
  get inHeader(): boolean {
    return this.#inHeader;
  }

  /** Bytes of the header so far, the empty line included. */
  get headerBytes(): number {
    return this.#headerBytes;
  }

  /** Received and Delivered-To lines so far, an unfinished one included: HOPS_MAX of them is a loop. */
  get hops(): number {
    const unfinished = this.#lineLength > 0 && isHop(Buffer.concat(this.#parts, this.#held));
    return this.#hops + (unfinished ? 1 : 0);
  }

  push(chunk: Buffer): void {
    if (!this.#inHeader) return;
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) {
        this.#hold(chunk.subarray(start));
        break;
      }
      if (end === start && this.#lineLength === 0) {
        this.#inHeader = false;
        this.#headerBytes += start + 1;
        return;
      }
      this.#line(chunk.subarray(start, end));
      start = end + 1;
    }
    this.#headerBytes += chunk.length;
  }

  /** The message is over: a last line without LF, if still in the header, is a line too. */
  end(): void {
    if (this.#inHeader && this.#lineLength > 0) this.#line(Buffer.alloc(0));
    this.#inHeader = false;
  }

  #hold(piece: Buffer): void {
    const kept = piece.subarray(0, this.#kept - this.#held);
    if (kept.length > 0) this.#parts.push(Buffer.from(kept));
    this.#held += kept.length;
    this.#lineLength += piece.length;
    // A line that comes byte by byte must not become a list of a thousand one-byte buffers.
    if (this.#parts.length > PARTS_MAX) this.#parts = [Buffer.concat(this.#parts, this.#held)];
  }

  /** A line ends with `piece`; the usual one lies whole in its chunk and is not copied. */
  #line(piece: Buffer): void {
    let line = piece;
    const length = this.#lineLength + piece.length;
    if (this.#lineLength > 0) {
      this.#hold(piece);
      line = Buffer.concat(this.#parts, this.#held);
      this.#parts = [];
      this.#held = 0;
      this.#lineLength = 0;
    }
    if (isHop(line)) this.#hops++;
    this.#onLine?.(line.subarray(0, this.#kept), length > this.#kept);
  }
}

/** qmail-smtpd's rule: the line starts with these letters, whatever follows. */
function isHop(line: Buffer): boolean {
  const first = (line[0] ?? 0) | CASE_BIT;
  if (first !== LETTER_R && first !== LETTER_D) return false;
  return /^(?:received|delivered)/i.test(line.toString('latin1', 0, HOP_NAME_MAX));
}

const LF = 10;
const CASE_BIT = 0x20;
const LETTER_R = 0x72;
const LETTER_D = 0x64;
const HOP_NAME_MAX = 'delivered'.length;
const PARTS_MAX = 64;
