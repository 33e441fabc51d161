// A range of a message file as IMAP sends it: with CRLF line ends, and of that, if wanted, a part only
// (RFC 3501, 6.4.5: BODY[...]<offset.count>; both count bytes as sent).

import type { ByteSource } from './byte-source.ts';
import { CHECKPOINT_STEP } from './limits.ts';
import type { Message, Span } from './message.ts';

/** The bytes wanted of a range, as sent; counted from its beginning. */
export interface Partial {
  readonly offset: number;
  readonly count: number;
}

/** How many bytes crlfRange gives: what a literal is announced with. */
export function crlfRangeSize(span: Span, partial?: Partial): number {
  const size = span.crlfEnd - span.crlfStart;
  if (partial === undefined) return size;
  return Math.max(0, Math.min(partial.count, size - partial.offset));
}

export interface CrlfRangeOptions {
  readonly partial?: Partial;
  /** Gives NULs as 0x80, because only a literal8 may have them (RFC 3501, 9: CHAR8). */
  readonly replaceNuls?: boolean;
}

/**
 * The bytes of `span`, each LF without a CR before it as CRLF; exactly crlfRangeSize of them, or it throws. A piece
 * holds until the next is asked for. Of what lies before a partial's offset it reads less than CHECKPOINT_STEP bytes.
 */
export async function* crlfRange(
  source: ByteSource,
  message: Pick<Message, 'checkpoints' | 'hasNul'>,
  span: Span,
  options: CrlfRangeOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  let left = crlfRangeSize(span, options.partial);
  if (left === 0) return;
  const wanted = span.crlfStart + (options.partial?.offset ?? 0);
  const from = placeBefore(message, span, wanted);
  const converter = new CrlfConverter();
  let skip = wanted - from.crlf;
  // Whether a LF in front is bare is known only with the byte before it.
  let isContext = from.at > span.start;
  for await (const piece of source(isContext ? from.at - 1 : from.at, span.end)) {
    if (piece.length === 0) continue;
    let bytes = piece;
    if (isContext) {
      converter.follow(piece[0] as number);
      bytes = piece.subarray(1);
      isContext = false;
    }
    const converted = converter.push(bytes);
    const given = converted.subarray(skip, skip + left);
    skip = Math.max(0, skip - converted.length);
    left -= given.length;
    if (given.length > 0) {
      yield options.replaceNuls && message.hasNul ? withoutNuls(given) : given;
    }
    if (left === 0) return;
  }
  throw new RangeError('the message file is not the one that was parsed');
}

/** Turns bare LFs into CRLFs; a CR that stands alone stays one. */
class CrlfConverter {
  #afterCr = false;

  /** Says what byte stands before those to come. */
  follow(byte: number): void {
    this.#afterCr = byte === CR;
  }

  /** The bytes as sent. Without a bare LF in them it is the same buffer. */
  push(bytes: Buffer): Buffer {
    if (bytes.length === 0) return bytes;
    const converted = bytes.includes(CR)
      ? this.#convertMixed(bytes)
      : withCrlf(bytes, this.#afterCr && bytes[0] === LF ? 1 : 0);
    this.#afterCr = bytes[bytes.length - 1] === CR;
    return converted;
  }

  #convertMixed(bytes: Buffer): Buffer {
    const bare = this.#countBare(bytes);
    return bare === 0 ? bytes : this.#convert(bytes, bare);
  }

  #countBare(bytes: Buffer): number {
    let bare = bytes[0] === LF && !this.#afterCr ? 1 : 0;
    for (let i = 1; i < bytes.length; i++) if (bytes[i] === LF && bytes[i - 1] !== CR) bare++;
    return bare;
  }

  #convert(bytes: Buffer, bare: number): Buffer {
    const out = Buffer.allocUnsafe(bytes.length + bare);
    let at = 0;
    let before = this.#afterCr ? CR : 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (byte === LF && before !== CR) out[at++] = CR;
      out[at++] = byte;
      before = byte;
    }
    return out;
  }
}

/** Bytes without CR, each LF from `from` on as CRLF. As text, which is several times as fast as a loop over the bytes. */
function withCrlf(bytes: Buffer, from: number): Buffer {
  if (!bytes.includes(LF, from)) return bytes;
  const text = bytes.toString('latin1', from).replaceAll('\n', '\r\n');
  return Buffer.from(from === 0 ? text : `\n${text}`, 'latin1');
}

/** The last place known in both coordinates that is not behind `wanted` (as sent). */
function placeBefore(
  message: Pick<Message, 'checkpoints'>,
  span: Span,
  wanted: number,
): { at: number; crlf: number } {
  if (span.crlfEnd - span.crlfStart === span.end - span.start) {
    return { at: span.start + (wanted - span.crlfStart), crlf: wanted };
  }
  const { checkpoints } = message;
  let low = 0; // how many checkpoints are not behind it
  let high = checkpoints.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((checkpoints[middle] as number) <= wanted) low = middle + 1;
    else high = middle;
  }
  const at = low * CHECKPOINT_STEP;
  if (at <= span.start) return { at: span.start, crlf: span.crlfStart };
  return { at, crlf: checkpoints[low - 1] as number };
}

function withoutNuls(bytes: Buffer): Buffer {
  if (!bytes.includes(0)) return bytes;
  const out = Buffer.from(bytes);
  for (let i = out.indexOf(0); i >= 0; i = out.indexOf(0, i + 1)) out[i] = 0x80;
  return out;
}

const LF = 10;
const CR = 13;
