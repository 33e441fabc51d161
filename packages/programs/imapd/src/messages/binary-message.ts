// A message sent as literal8 (RFC 3516, section 4.4), which may hold anything. Files have lines, and any client must be able to
// fetch them: so parts of encoding "binary" that are no lines become base64, which the RFC allows (section 4.4, at the end).
// NULs anywhere else are refused.

import type { Spool } from '@q/mailbox';
import { type LeafPart, type Part, parseMessage } from '@q/mime';
import { LineEnds } from '../line-ends.ts';
import { CommandRefused } from '../refused.ts';
import type { Session } from '../session.ts';
import { BINARY_HEADER_MAX } from './limits.ts';

/** Writes the message in `sent` (with CRLF) to `spool` (with LF). Throws CommandRefused. */
export async function writeBinary(session: Session, sent: Spool, spool: Spool): Promise<void> {
  const { root } = await parseMessage(sent.read(0, sent.size));
  const copy = new LineCopy(session, sent, spool);
  for (const part of binaryLeaves(root)) {
    const { header, body } = part;
    if (await isLines(sent, body.start, body.end)) continue;
    if (header.end - header.start > BINARY_HEADER_MAX)
      throw new CommandRefused('NO', 'Header of a binary part too large');
    await copy.until(header.start);
    const text = (await bytesOfRange(sent, header.start, header.end)).toString('latin1');
    await copy.insert(Buffer.from(withBase64(text), 'latin1'));
    await writeBase64(session, sent.read(body.start, body.end), copy);
    copy.skipTo(body.end);
  }
  await copy.until(sent.size);
  await copy.end();
}

/** In the order they stand. */
function* binaryLeaves(part: Part): Generator<LeafPart> {
  if (part.kind === 'multipart') for (const inner of part.parts) yield* binaryLeaves(inner);
  else if (part.kind === 'message') yield* binaryLeaves(part.message);
  else if (part.encoding === 'binary') yield part;
}

/** Neither NUL nor CR or LF alone: the bytes come back as they are. */
async function isLines(sent: Spool, start: number, end: number): Promise<boolean> {
  let before = 0;
  for await (const piece of sent.read(start, end)) {
    for (const byte of piece) {
      if (byte === NUL || (before === CR) !== (byte === LF)) return false;
      before = byte;
    }
  }
  return before !== CR;
}

/** The header of a part that is base64 from now on. */
function withBase64(header: string): string {
  return header.replace(
    /^content-transfer-encoding[ \t]*:.*(?:\r?\n[ \t].*)*/gim,
    'Content-Transfer-Encoding: base64',
  );
}

async function writeBase64(
  session: Session,
  pieces: AsyncIterable<Buffer>,
  copy: LineCopy,
): Promise<void> {
  let held: Buffer = Buffer.alloc(0);
  let first = true;
  const lines = async (bytes: Buffer) => {
    let text = '';
    for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
      text += `${first ? '' : '\r\n'}${bytes.toString('base64', at, Math.min(bytes.length, at + BYTES_A_LINE))}`;
      first = false;
    }
    await copy.insert(Buffer.from(text, 'latin1'));
  };
  for await (const piece of pieces) {
    const bytes = Buffer.concat([held, piece]);
    const whole = bytes.length - (bytes.length % BYTES_A_LINE);
    await lines(bytes.subarray(0, whole));
    held = Buffer.from(bytes.subarray(whole));
    await session.drain();
  }
  await lines(held);
}

/** Of one spool to another, with other things in between. */
class LineCopy {
  readonly #session: Session;
  readonly #from: Spool;
  readonly #to: Spool;
  readonly #ends = new LineEnds();
  #at = 0;

  constructor(session: Session, from: Spool, to: Spool) {
    this.#session = session;
    this.#from = from;
    this.#to = to;
  }

  async until(end: number): Promise<void> {
    for await (const piece of this.#from.read(this.#at, end)) {
      if (piece.includes(NUL)) throw new CommandRefused('NO', 'NUL outside of a binary part');
      await this.insert(piece);
      await this.#session.drain();
    }
    this.#at = end;
  }

  async insert(bytes: Buffer): Promise<void> {
    const converted = this.#ends.convert(bytes, false);
    if (converted.length > 0) await this.#to.write(converted);
  }

  skipTo(position: number): void {
    this.#at = position;
  }

  async end(): Promise<void> {
    const rest = this.#ends.convert(Buffer.alloc(0), true);
    if (rest.length > 0) await this.#to.write(rest);
  }
}

async function bytesOfRange(spool: Spool, start: number, end: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of spool.read(start, end)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** RFC 2045, section 6.8: 76 characters. */
const BYTES_A_LINE = 57;
const NUL = 0;
const LF = 10;
const CR = 13;
