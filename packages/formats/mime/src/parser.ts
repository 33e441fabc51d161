// Reads a message file once, chunk by chunk, into a tree of parts (RFC 2046, 5.1; RFC 5322, 2.1). Any bytes are a
// message, and the same bytes give the same tree however they are cut into chunks.
//
//   - A header ends behind its first empty line, or before a line that is a boundary of a multipart around it.
//   - A boundary line begins, at the beginning of a line, with "--" and the boundary of an open multipart. It ends all
//     parts inside that multipart. With "--" behind it, the multipart has no more parts, and what follows is its epilogue.
//   - The line end before a boundary line belongs to it, unless it is the empty line that ends a header.
//   - The end of the file ends everything that is open.
//
// Held between two chunks: the tree, and the beginning of one line (LINE_HEAD_MAX bytes).

import { BoundarySet } from './boundary-set.ts';
import { DraftPart } from './draft-part.ts';
import type { Budget } from './field-collector.ts';
import { BOUNDARY_MAX, FIELDS_MAX, LINE_HEAD_MAX, PARTS_MAX } from './limits.ts';
import { LineCounter, type Mark } from './line-counter.ts';
import type { Message, Part } from './message.ts';
import { messageIds } from './message-id.ts';

/** Parses the chunks of a message file. Rejects only with what reading them throws. */
export async function parseMessage(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Message> {
  const parser = new MessageParser();
  for await (const chunk of chunks) parser.push(chunk);
  return parser.end();
}

type State =
  | 'header' // at the beginning of a line of the innermost part's header
  | 'header line' // inside one
  | 'body' // at the beginning of a line that belongs to the innermost part's body
  | 'body line' // inside one
  | 'boundary line'; // behind the "--boundary" or "--boundary--" of a boundary line

export class MessageParser {
  readonly #counter = new LineCounter();
  readonly #boundaries = new BoundarySet();
  readonly #budget: Budget = { left: FIELDS_MAX };
  /** The open parts, outermost first; a part's level is its place here. */
  readonly #open: DraftPart[] = [];
  #state: State = 'header';
  /** The boundary line being read began a part, or ended a multipart. */
  #beginsPart = false;
  #parts = 0;
  /** The beginning of a line, from chunks before. */
  #held: Buffer = EMPTY;
  #hasNul = false;
  #references: readonly string[] = [];

  constructor() {
    this.#begin('root');
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (!this.#hasNul) this.#hasNul = bytes.includes(0);
    const text = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const at = this.#read(text, false);
    this.#held = at === text.length ? EMPTY : Buffer.from(text.subarray(at));
  }

  /** The file is over. */
  end(): Message {
    this.#read(this.#held, true);
    if (this.#state === 'boundary line') this.#endBoundaryLine();
    const end = this.#counter.mark;
    this.#closeTo(1, end);
    const root = this.#close(end);
    return {
      size: end.at,
      crlfSize: end.at + end.bare,
      hasNul: this.#hasNul,
      root,
      references: this.#references,
      checkpoints: this.#counter.checkpoints,
    };
  }

  /** Reads as far as it can be known what the bytes are; gives how far that was. All of them when `last`. */
  #read(bytes: Buffer, last: boolean): number {
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at, last);
      if (next === undefined) break;
      this.#counter.pass(bytes, at, next);
      at = next;
      this.#afterStep(bytes[next - 1] === LF);
    }
    return at;
  }

  /** #step saw the empty line. What follows from it waits for #afterStep: the counter must stand behind the line. */
  #headerIsOver = false;

  /** Decides on some bytes from `at`; gives their end, or undefined when more must be known. */
  #step(bytes: Buffer, at: number, last: boolean): number | undefined {
    switch (this.#state) {
      case 'header':
        return this.#headerLine(bytes, at, last);
      case 'header line': {
        const end = lineEnd(bytes, at);
        this.#innermost.collector.more(bytes, at, end);
        return end;
      }
      case 'body':
        if (this.#boundaries.isEmpty) return bytes.length;
        return this.#bodyLine(bytes, at, last);
      case 'body line':
        if (this.#boundaries.isEmpty) return bytes.length;
        return upToDashes(bytes, at);
      case 'boundary line':
        return lineEnd(bytes, at);
    }
  }

  /** The bytes are passed: where in a line is the parser now? */
  #afterStep(lineEnded: boolean): void {
    if (this.#headerIsOver) {
      this.#headerIsOver = false;
      this.#endHeader();
      return;
    }
    switch (this.#state) {
      case 'header':
      case 'header line':
        this.#state = lineEnded ? 'header' : 'header line';
        return;
      case 'body':
      case 'body line':
        this.#state = lineEnded ? 'body' : 'body line';
        return;
      case 'boundary line':
        if (lineEnded) this.#endBoundaryLine();
    }
  }

  #headerLine(bytes: Buffer, at: number, last: boolean): number | undefined {
    const end = lineEnd(bytes, at);
    const complete = last || bytes[end - 1] === LF;
    if (!complete && end - at < LINE_HEAD_MAX) return undefined;
    if (bytes[at] === DASH && this.#isBoundary(bytes, at, end)) return this.#boundaryEnd;
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF)) {
      this.#headerIsOver = true;
    } else {
      this.#innermost.collector.line(bytes, at, end);
    }
    return end;
  }

  #bodyLine(bytes: Buffer, at: number, last: boolean): number | undefined {
    if (bytes[at] === DASH) {
      // Whether it is a boundary line can be seen from its first bytes, however long it is.
      const end = Math.min(lineEnd(bytes, at), at + BOUNDARY_MAX + 4);
      const complete = last || bytes[end - 1] === LF || end - at === BOUNDARY_MAX + 4;
      if (!complete && (bytes.length === at + 1 || bytes[at + 1] === DASH)) return undefined;
      if (this.#isBoundary(bytes, at, end)) return this.#boundaryEnd;
    }
    return upToDashes(bytes, at);
  }

  /** The end of the "--boundary" or "--boundary--" that #isBoundary found. */
  #boundaryEnd = 0;

  /** True when the line from `at` to `end` is a boundary line: what it ends is ended then. */
  #isBoundary(bytes: Buffer, at: number, end: number): boolean {
    if (bytes[at + 1] !== DASH || end - at < 3) return false;
    const found = this.#boundaries.match(bytes, at + 2, end);
    if (found === undefined) return false;
    const behind = at + 2 + found.length;
    const closes = behind + 2 <= end && bytes[behind] === DASH && bytes[behind + 1] === DASH;
    if (!closes && this.#parts >= PARTS_MAX) {
      // From here on everything is text of the innermost part.
      this.#boundaries.popFrom(0);
      return false;
    }
    this.#boundaryEnd = closes ? behind + 2 : behind;
    this.#beginsPart = !closes;
    this.#state = 'boundary line';
    this.#closeTo(found.level + 1, this.#endBeforeBoundary());
    if (closes) this.#boundaries.popFrom(found.level);
    return true;
  }

  /**
   * Where the parts end that a boundary line ends, when the counter stands before it: before the line end, but never
   * before the innermost one's body begins.
   */
  #endBeforeBoundary(): Mark {
    const innermost = this.#innermost;
    const here = this.#counter.mark;
    const before = this.#counter.markBeforeLineEnd;
    const bodyStart = innermost.bodyStart ?? here;
    return before.at < bodyStart.at ? bodyStart : before;
  }

  #endBoundaryLine(): void {
    if (this.#beginsPart) this.#begin(this.#innermost.isDigest ? 'digest part' : 'part');
    else this.#state = 'body';
  }

  #endHeader(): void {
    const part = this.#innermost;
    this.#describe(part, this.#counter.mark);
    this.#state = 'body';
    if (part.boundary !== undefined) {
      this.#boundaries.push(this.#open.length - 1, Buffer.from(part.boundary, 'latin1'));
    } else if (part.holdsMessage && this.#parts < PARTS_MAX) {
      this.#begin('root');
    }
  }

  #begin(role: 'root' | 'part' | 'digest part'): void {
    this.#parts++;
    const depth = this.#open.length + 1;
    this.#open.push(new DraftPart(this.#counter.mark, depth, role, this.#budget));
    this.#state = 'header';
  }

  /** Ends the parts from `level` on. */
  #closeTo(level: number, end: Mark): void {
    this.#boundaries.popFrom(level);
    while (this.#open.length > level) {
      const part = this.#close(end);
      this.#innermost.add(part);
    }
  }

  #close(end: Mark): Part {
    const part = this.#innermost;
    if (part.bodyStart === undefined) this.#describe(part, end);
    this.#open.pop();
    return part.finish(end);
  }

  #describe(part: DraftPart, headerEnd: Mark): void {
    const fields = part.endHeader(headerEnd);
    if (this.#open.length === 1) this.#references = messageIds(fields.get('references') ?? '');
  }

  get #innermost(): DraftPart {
    return this.#open.at(-1) as DraftPart;
  }
}

/** Behind the LF of the line, or the end of the bytes. */
function lineEnd(bytes: Buffer, at: number): number {
  const lf = bytes.indexOf(LF, at);
  return lf < 0 ? bytes.length : lf + 1;
}

/** From inside a line: the beginning of the next one that begins with "--", or, for all that is known, may do so. */
function upToDashes(bytes: Buffer, at: number): number {
  const found = bytes.indexOf(LINE_OF_DASHES, at);
  if (found >= 0) return found + 1;
  const endsWithDash =
    bytes.length - at >= 2 && bytes[bytes.length - 1] === DASH && bytes[bytes.length - 2] === LF;
  return endsWithDash ? bytes.length - 1 : bytes.length;
}

const EMPTY: Buffer = Buffer.alloc(0);
const LINE_OF_DASHES = Buffer.from('\n--');
const LF = 10;
const CR = 13;
const DASH = 45;
