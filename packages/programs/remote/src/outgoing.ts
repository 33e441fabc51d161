// The message on fd 0, and what can be known of it before the first byte is sent.

import { Temporary } from '@q/fault';
import { fstatFd, readChunks } from '@q/fsx';

const LF = 10;
const CR = 13;

export interface Outgoing {
  /** The bytes, once. Throws Temporary with qmail-remote's text. */
  chunks(): AsyncGenerator<Buffer, void, undefined>;
  /** Undefined for a pipe, which can be read only once. */
  readonly facts: MessageFacts | undefined;
}

export interface MessageFacts {
  /** Bytes with each line ended by CR LF: what SIZE means (RFC 1870). */
  readonly wireSize: number;
  /** Bytes above 127 occur (RFC 6152). */
  readonly eightBit: boolean;
  /** The last line has no newline. */
  readonly partialLine: boolean;
}

/** The message on `fd`. A file is read through once beforehand, from its start. */
export async function openOutgoing(fd: number): Promise<Outgoing> {
  if (!(await isFile(fd))) return { chunks: () => reading(fd, null), facts: undefined };
  return { chunks: () => reading(fd, 0), facts: await examine(reading(fd, 0)) };
}

async function examine(chunks: AsyncIterable<Buffer>): Promise<MessageFacts> {
  let wireSize = 0;
  let eightBit = false;
  let last = LF;
  for await (const chunk of chunks) {
    wireSize += chunk.length + bareNewlines(chunk, last);
    eightBit ||= has8Bit(chunk);
    last = chunk.at(-1) as number;
  }
  return { wireSize, eightBit, partialLine: last !== LF };
}

/** LFs without a CR before them; `before` is the byte before the chunk. */
function bareNewlines(chunk: Buffer, before: number): number {
  let count = 0;
  for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
    if ((at === 0 ? before : chunk[at - 1]) !== CR) count++;
  }
  return count;
}

function has8Bit(chunk: Buffer): boolean {
  for (const byte of chunk) if (byte > 127) return true;
  return false;
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
