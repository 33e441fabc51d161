// Bytes into IMAP commands (RFC 9051, section 2.2.1 and 4.3): lines and literals are put together and bounded before
// anyone looks at the grammar, so a malformed command costs only itself.
//
//     line     --LF, no announcement--> command, line
//     line     --announcement----------> literal | decision | (refused) line or discard
//     literal  --all bytes-------------> line
//     decision --accept()--> message --all bytes--> line
//     decision --decline()-> line, or discard when the bytes come anyway
//     discard  --all bytes-------------> line, of a doomed command
//     closed   : a refusal that ends the connection
//
// A doomed command is read to its end, of which only the announcements of further literals matter, then refused.

import { textOf } from '@q/bytes';
import { HeldBytes } from './held-bytes.ts';
import { PIECES_MAX, type ReaderLimits, TAG_MAX } from './limits.ts';
import { type AnnouncedLiteral, announcedLiteral } from './literal.ts';
import { isMessageData } from './message-data.ts';
import { type CommandPiece, type ReaderEvent, type RefusalReason, tagOf } from './reader-event.ts';

type State = 'line' | 'plain-line' | 'literal' | 'decision' | 'message' | 'discard' | 'closed';

/**
 * Push chunks, then take events until there is none. A pushed chunk belongs to the reader: what comes out are slices
 * of it wherever a line or literal lies in one chunk.
 */
export class CommandReader {
  #limits: ReaderLimits;
  #state: State = 'line';
  readonly #chunks: Buffer[] = [];
  readonly #events: ReaderEvent[] = [];
  readonly #held = new HeldBytes();
  #pieces: CommandPiece[] = [];
  /** Bytes held in #pieces. */
  #size = 0;
  #messages = 0;
  #literal: AnnouncedLiteral | undefined;
  /** Bytes of the literal, message or discarded bytes that are still to come. */
  #left = 0;
  #doom: { readonly reason: RefusalReason; readonly tag: string | undefined } | undefined;
  /** Bytes of the doomed command read over so far. */
  #discarded = 0;

  constructor(limits: ReaderLimits) {
    this.#limits = limits;
  }

  push(chunk: Buffer): void {
    if (chunk.length > 0 && this.#state !== 'closed') this.#chunks.push(chunk);
  }

  /** The next event, or undefined when more input or a decision is needed. */
  next(): ReaderEvent | undefined {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.#state === 'decision' || this.#state === 'closed') return undefined;
      const chunk = this.#chunks.shift();
      if (chunk === undefined) return undefined;
      const used = this.#read(chunk);
      if (used < chunk.length && !this.#isClosed()) this.#chunks.unshift(chunk.subarray(used));
    }
  }

  /** To be called between commands: after login. */
  setLimits(limits: ReaderLimits): void {
    this.#limits = limits;
  }

  /** The next line is no command but an answer to a continuation request: a SASL response, or IDLE's DONE. */
  expectLine(): void {
    if (this.#state === 'line' && this.#pieces.length === 0) this.#state = 'plain-line';
  }

  /** Takes the announced message: its bytes come as data. */
  accept(): void {
    const literal = this.#decided();
    this.#begin('message', literal.size);
    if (literal.synchronising) this.#events.push({ kind: 'continue' });
    if (literal.size === 0) this.#messageBytes(Buffer.alloc(0));
  }

  /** Refuses the announced message and the command; `refused` comes out when it is over. */
  decline(): void {
    const literal = this.#decided();
    this.#doomBy('declined');
    this.#endOfDoomedLine(literal);
  }

  /** Takes back the input not yet read (STARTTLS, COMPRESS, or for another program). */
  takeRest(): Buffer {
    return Buffer.concat(this.#chunks.splice(0));
  }

  // --- internal ---

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Reads the beginning of `chunk`; returns how many bytes of it. */
  #read(chunk: Buffer): number {
    switch (this.#state) {
      case 'line':
      case 'plain-line':
        return this.#readLine(chunk);
      case 'literal': {
        const bytes = chunk.subarray(0, this.#left);
        this.#left -= bytes.length;
        if (this.#left > 0) this.#held.add(bytes);
        else this.#endOfLiteral(this.#held.take(bytes));
        return bytes.length;
      }
      case 'message': {
        const bytes = chunk.subarray(0, this.#left);
        this.#messageBytes(bytes);
        return bytes.length;
      }
      case 'discard': {
        const count = Math.min(this.#left, chunk.length);
        this.#left -= count;
        if (this.#left === 0) this.#state = 'line';
        return count;
      }
      default:
        return 0;
    }
  }

  #readLine(chunk: Buffer): number {
    const lf = chunk.indexOf(LF);
    const bytes = lf < 0 ? chunk : chunk.subarray(0, lf);
    const used = lf < 0 ? chunk.length : lf + 1;
    if (this.#doom === undefined && this.#held.length + bytes.length > this.#lineRoom()) {
      // Only the beginning is needed, for the tag.
      this.#held.add(bytes.subarray(0, TAG_MAX + 1));
      this.#doomBy('too-big');
    }
    if (this.#doom !== undefined && !this.#spend(used)) return used;
    if (lf < 0) {
      this.#held.add(bytes);
      if (this.#doom !== undefined) this.#held.keepLast(ANNOUNCEMENT_MAX);
      return used;
    }
    const line = this.#held.take(bytes);
    this.#endOfLine(line.at(-1) === CR ? line.subarray(0, -1) : line);
    return used;
  }

  /** Room for the line, its CR included. */
  #lineRoom(): number {
    return Math.min(this.#limits.lineMax, this.#limits.commandMax - this.#size) + 1;
  }

  #endOfLine(line: Buffer): void {
    const literal = this.#state === 'plain-line' ? undefined : announcedLiteral(line);
    if (this.#doom === undefined && (line.includes(NUL) || line.includes(CR))) {
      this.#pieces.push({ kind: 'text', bytes: line });
      this.#doomBy('bad-bytes');
    }
    if (this.#doom !== undefined) {
      this.#endOfDoomedLine(literal);
      return;
    }
    if (this.#state === 'plain-line') {
      this.#startCommand();
      this.#events.push({ kind: 'line', bytes: line });
      return;
    }
    this.#size += line.length;
    this.#pieces.push({
      kind: 'text',
      bytes: literal === undefined ? line : line.subarray(0, literal.start),
    });
    if (literal !== undefined) {
      this.#announced(literal);
      return;
    }
    const pieces = this.#pieces;
    this.#startCommand();
    this.#events.push({ kind: 'command', pieces });
  }

  #announced(literal: AnnouncedLiteral): void {
    const { size, binary, synchronising } = literal;
    if (this.#pieces.length > PIECES_MAX || !this.#fits(literal)) {
      this.#doomBy('too-big');
      this.#endOfDoomedLine(literal);
      return;
    }
    this.#literal = literal;
    if (this.#isMessage()) {
      this.#state = 'decision';
      const index = this.#messages;
      const pieces = this.#pieces;
      this.#events.push({ kind: 'message', pieces, size, binary, synchronising, index });
      return;
    }
    this.#begin('literal', size);
    if (synchronising) this.#events.push({ kind: 'continue' });
    if (size === 0) this.#endOfLiteral(Buffer.alloc(0));
  }

  #isMessage(): boolean {
    return this.#limits.messages && isMessageData(this.#pieces);
  }

  #fits(literal: AnnouncedLiteral): boolean {
    if (this.#isMessage()) return literal.size <= Number.MAX_SAFE_INTEGER;
    const { literalMax, commandMax } = this.#limits;
    return literal.size <= Math.min(literalMax, commandMax - this.#size);
  }

  #endOfLiteral(bytes: Buffer): void {
    const binary = this.#literal?.binary === true;
    this.#state = 'line';
    this.#size += bytes.length;
    this.#pieces.push({ kind: 'literal', bytes, binary });
    if (!binary && bytes.includes(NUL)) this.#doomBy('bad-bytes');
  }

  #messageBytes(bytes: Buffer): void {
    this.#left -= bytes.length;
    const last = this.#left === 0;
    this.#events.push({ kind: 'data', bytes, last });
    if (!last || this.#literal === undefined) return;
    const { size, binary } = this.#literal;
    this.#state = 'line';
    this.#pieces.push({ kind: 'message', size, binary, index: this.#messages });
    this.#messages += 1;
  }

  #begin(state: 'line' | 'literal' | 'message' | 'discard', size: number): void {
    this.#state = state;
    this.#left = size;
  }

  /** The literal to decide on. Throws when there is none: that is a bug of the caller. */
  #decided(): AnnouncedLiteral {
    if (this.#state !== 'decision' || this.#literal === undefined)
      throw new Error('no message is announced');
    return this.#literal;
  }

  #doomBy(reason: RefusalReason): void {
    const first = this.#pieces[0];
    const start = first?.kind === 'text' ? first.bytes : this.#held.view();
    // A plain line has none: the tag is that of the command it belongs to, which the caller knows.
    const plain = this.#state === 'plain-line';
    const tag = plain ? undefined : tagOf(textOf(start.subarray(0, TAG_MAX + 1)), TAG_MAX);
    this.#doom = { reason, tag };
    this.#pieces = [];
    this.#held.clear();
  }

  /** Counts bytes of a doomed command; false when that closed the connection. */
  #spend(bytes: number): boolean {
    this.#discarded += bytes;
    if (this.#discarded <= this.#mostDiscarded()) return true;
    this.#refuse(true);
    return false;
  }

  #mostDiscarded(): number {
    const { discardMax, commandMax, declinedMax } = this.#limits;
    if (this.#doom?.reason === 'declined') return declinedMax;
    // A bad byte is no excess: what is left of the command may be read as any other.
    return this.#doom?.reason === 'bad-bytes' ? Math.max(discardMax, commandMax) : discardMax;
  }

  /** A line of a doomed command: the command ends with it, unless bytes follow that the client sends in any case. */
  #endOfDoomedLine(literal: AnnouncedLiteral | undefined): void {
    if (literal === undefined || literal.synchronising) {
      this.#refuse(this.#doom?.reason === 'too-big' && this.#limits.discardMax === 0);
      return;
    }
    if (!this.#spend(literal.size)) return;
    this.#begin(literal.size === 0 ? 'line' : 'discard', literal.size);
  }

  #refuse(closing: boolean): void {
    const { reason, tag } = this.#doom ?? { reason: 'too-big', tag: undefined };
    this.#startCommand();
    if (closing) {
      this.#state = 'closed';
      this.#chunks.length = 0;
    }
    this.#events.push({ kind: 'refused', reason, tag, closing });
  }

  #startCommand(): void {
    this.#state = 'line';
    this.#pieces = [];
    this.#size = 0;
    this.#messages = 0;
    this.#literal = undefined;
    this.#doom = undefined;
    this.#discarded = 0;
    this.#held.clear();
  }
}

const NUL = 0;
const LF = 0x0a;
const CR = 0x0d;
/** Bytes that are kept of a line that is read over: an announcement of any number that can be counted fits. */
const ANNOUNCEMENT_MAX = 64;
