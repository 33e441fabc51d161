// A string that is too large for memory or whose size must be counted first: announced with its size, then sent in pieces.

import type { ByteRange } from '@q/imap';
import { MEASURED_MAX } from './limits.ts';

export interface Literal {
  readonly size: number;
  /** It may hold NULs: only a literal8 can have them. */
  readonly hasNul: boolean;
  /** Exactly `size` bytes, or it throws. Can be asked for once. A piece stays as it is. */
  pieces(): AsyncIterable<Buffer> | Iterable<Buffer>;
}

/**
 * What `stream` gives, or the part of it that `range` is. It is read to the end to know its size, and when it is large, read
 * again to be sent.
 */
export async function measured(
  stream: () => AsyncIterable<Buffer>,
  range: ByteRange | undefined,
): Promise<Literal> {
  const held: Buffer[] = [];
  let total = 0;
  let hasNul = false;
  for await (const piece of stream()) {
    total += piece.length;
    hasNul ||= piece.includes(0);
    if (total > MEASURED_MAX) held.length = 0;
    else held.push(piece);
  }
  const { offset, count } = range ?? { offset: 0, count: total };
  const size = Math.max(0, Math.min(count, total - offset));
  return {
    size,
    hasNul,
    pieces: () => cut(total > MEASURED_MAX ? stream() : held, offset, size),
  };
}

/** Of the bytes that `pieces` are, `size` from `offset` on. */
async function* cut(
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
  offset: number,
  size: number,
): AsyncGenerator<Buffer, void, undefined> {
  let skip = offset;
  let left = size;
  if (left === 0) return;
  for await (const piece of pieces) {
    const wanted = piece.subarray(skip, skip + left);
    skip = Math.max(0, skip - piece.length);
    left -= wanted.length;
    if (wanted.length > 0) yield wanted;
    if (left === 0) return;
  }
  throw new RangeError('there is less than was counted');
}
