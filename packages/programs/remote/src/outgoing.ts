// The message on its descriptor, and what can be known of it before the first byte is sent.

import { isAscii } from 'node:buffer';
import { Permanent, Temporary } from '@q/fault';
import { fstatFd, readChunks } from '@q/fsx';
import { MESSAGE_KEPT } from './limits.ts';
import type { Route } from './route.ts';

const LF = 10;
const CR = 13;

export interface Outgoing {
  /** The bytes; of a pipe only once. Throws Temporary with qmail-remote's text. */
  chunks(): AsyncGenerator<Buffer, void, undefined>;
  /** Undefined for a pipe, which can be read only once. */
  readonly facts: MessageFacts | undefined;
}

export interface MessageFacts {
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
  if (!(await isFile(fd))) return { chunks: () => reading(fd, null), facts: undefined };
  const kept: Buffer[] = [];
  const facts = await examine(reading(fd, 0), kept);
  return { chunks: () => (facts.size <= MESSAGE_KEPT ? again(kept) : reading(fd, 0)), facts };
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

async function* reading(
  fd: number,
  position: number | null,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* readChunks(fd, position);
  } catch (cause) {
    throw new Temporary('Unable to read message. (#4.3.0)', { cause });
  }
}

async function isFile(fd: number): Promise<boolean> {
  try {
    return (await fstatFd(fd)).isFile();
  } catch {
    return false;
  }
}
