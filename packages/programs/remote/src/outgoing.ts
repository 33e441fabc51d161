// The message on its descriptor, and what can be known of it before the first byte is sent.

import { isAscii } from 'node:buffer';
import { Permanent, Temporary } from '@q/fault';
import { fstatFd, readFd } from '@q/fsx';
import { MESSAGE_KEPT } from './limits.ts';
import type { Route } from './route.ts';

const CHUNK = 65536;
const LF = 10;
const CR = 13;

export interface Outgoing {
  /** The bytes; of a pipe only once. A chunk is valid until the next one is asked for. Throws Temporary with qmail-remote's text. */
  chunks(): AsyncGenerator<Buffer, void, undefined>;
  /** Undefined for a pipe, which can be read only once. */
  readonly facts: MessageFacts | undefined;
}

interface MessageFacts {
  /** Bytes as they lie in the file. */
  readonly size: number;
  /** Bytes with each line ended by CR LF: what SIZE means (RFC 1870). */
  readonly wireSize: number;
  /** Bytes above 127 occur (RFC 6152). */
  readonly eightBit: boolean;
  /** The last line has no newline. */
  readonly partialLine: boolean;
}

/** The message on `fd`. A file is read through once beforehand, from its start; a small one is kept. */
async function openOutgoing(fd: number): Promise<Outgoing> {
  const size = await fileSize(fd);
  if (size === undefined) return { chunks: () => reading(fd, null, CHUNK), facts: undefined };
  // One byte more than a small file has: then its end is seen with the second, empty read.
  const room = Math.min(size + 1, CHUNK);
  const kept: Buffer[] = [];
  const facts = await examine(reading(fd, 0, room), kept);
  const chunks = () => (facts.size <= MESSAGE_KEPT ? again(kept) : reading(fd, 0, room));
  return { chunks, facts };
}

/** `openOutgoing`, and what the route's protocol cannot say is refused before anybody is asked. */
export async function openSendable(fd: number, { protocol }: Route): Promise<Outgoing> {
  const content = await openOutgoing(fd);
  if (protocol === 'smtp' && content.facts?.partialLine === true) throw partialLine();
  return content;
}

export function partialLine(): Permanent {
  return new Permanent('SMTP cannot transfer messages with partial final lines. (#5.6.2)');
}

/** Gives the chunks of a small message to `kept`. */
async function examine(chunks: AsyncIterable<Buffer>, kept: Buffer[]): Promise<MessageFacts> {
  let size = 0;
  let newlines = 0;
  let eightBit = false;
  let last = LF;
  for await (const chunk of chunks) {
    size += chunk.length;
    newlines += bareNewlines(chunk, last);
    eightBit ||= !isAscii(chunk);
    last = chunk.at(-1) as number;
    if (size <= MESSAGE_KEPT) kept.push(Buffer.from(chunk));
    else kept.length = 0;
  }
  return { size, wireSize: size + newlines, eightBit, partialLine: last !== LF };
}

/** LFs without a CR before them; `before` is the byte before the chunk. */
function bareNewlines(chunk: Buffer, before: number): number {
  let count = 0;
  for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
    if ((at === 0 ? before : chunk[at - 1]) !== CR) count++;
  }
  return count;
}

async function* again(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* chunks;
}

/** Reads through one buffer: memory does not grow with the message, however late it is collected. */
async function* reading(
  fd: number,
  position: number | null,
  room: number,
): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafe(room);
  try {
    for (let at = position; ; ) {
      const n = await readFd(fd, buffer, 0, room, at);
      if (n === 0) return;
      if (at !== null) at += n;
      yield buffer.subarray(0, n);
    }
  } catch (cause) {
    throw new Temporary('Unable to read message. (#4.3.0)', { cause });
  }
}

/** In bytes; undefined for what is no file. */
async function fileSize(fd: number): Promise<number | undefined> {
  try {
    const stats = await fstatFd(fd);
    return stats.isFile() ? Number(stats.size) : undefined;
  } catch {
    return undefined;
  }
}
