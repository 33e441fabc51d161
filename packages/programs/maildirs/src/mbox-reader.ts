// The messages of an mbox file, found one after the other; the file is read as it is needed. mbox(5).
//
//   mbox    = *message
//   message = from-line *( line ) LF             the empty line at the end is not the message's
//
// A from-line counts wherever it stands: writers quote others (">From "), and some forget the empty line.
// What the mbox says about a message beside its text is in the from-line and in two header fields,
// Status (R read, O seen as unread before) and X-Status (A answered, F flagged, D deleted, T draft).

import { asciiLower } from '@q/bytes';
import { Permanent } from '@q/fault';
import { readChunks } from '@q/fsx';
import { type FromLine, parseFromLine } from './from-line.ts';
import { LINE_KEPT } from './limits.ts';
import { LinePieces, type Piece } from './line-pieces.ts';

export interface MboxMessage {
  readonly from: FromLine;
  /** Offsets in the file, bytes: the message is from `start` up to and without `end`. */
  readonly start: number;
  readonly end: number;
  readonly hasReturnPath: boolean;
  /** Letters of a maildir's info: DFRST. */
  readonly flags: string;
  /** It had been looked at, if not read: not a new message. */
  readonly old: boolean;
}

/** Throws Permanent if the file does not begin as an mbox does. */
export async function* readMbox(fd: number): AsyncGenerator<MboxMessage, void, undefined> {
  const finder = new MessageFinder();
  const lines = new LinePieces();
  for await (const chunk of readChunks(fd, 0)) yield* finder.push(lines.push(chunk));
  yield* finder.push(lines.finish());
  const last = finder.finish();
  if (last !== undefined) yield last;
}

interface Draft {
  from: FromLine;
  start: number;
  hasReturnPath: boolean;
  /** What Status and X-Status say, together. */
  status: string;
  xStatus: string;
  inHeader: boolean;
}

class MessageFinder {
  #draft: Draft | undefined;
  #offset = 0;
  /** The line before this one is empty. */
  #afterEmpty = false;

  *push(pieces: readonly Piece[]): Generator<MboxMessage, void, undefined> {
    for (const { bytes, first, last } of pieces) {
      const start = this.#offset;
      this.#offset += bytes.length;
      if (!first) continue;
      const from = last ? separatorOf(bytes) : undefined;
      if (from !== undefined) {
        if (this.#draft !== undefined) yield this.#message(this.#draft, start);
        const none = { hasReturnPath: false, status: '', xStatus: '', inHeader: true };
        this.#draft = { from, start: this.#offset, ...none };
        this.#afterEmpty = false;
        continue;
      }
      if (this.#draft === undefined) throw new Permanent('not an mbox file: no From line');
      this.#afterEmpty = bytes.length === 1 && bytes[0] === LF;
      if (this.#afterEmpty) this.#draft.inHeader = false;
      else if (this.#draft.inHeader) noteField(this.#draft, bytes);
    }
  }

  finish(): MboxMessage | undefined {
    return this.#draft && this.#message(this.#draft, this.#offset);
  }

  #message(draft: Draft, next: number): MboxMessage {
    const { from, start, hasReturnPath, status, xStatus } = draft;
    const end = this.#afterEmpty ? next - 1 : next;
    const flags = flagsOf(status, xStatus);
    return { from, start, end, hasReturnPath, flags, old: /[RO]/.test(status) };
  }
}

function separatorOf(line: Buffer): FromLine | undefined {
  if (line.length > LINE_KEPT || !line.subarray(0, FROM.length).equals(FROM)) return undefined;
  return parseFromLine(line.toString('latin1').replace(/\n$/, ''));
}

function noteField(draft: Draft, line: Buffer): void {
  const [, name = '', value = ''] =
    /^([!-9;-~]+)[ \t]*:([^\r\n]*)/.exec(line.toString('latin1', 0, LINE_KEPT)) ?? [];
  const key = asciiLower(name);
  if (key === 'return-path') draft.hasReturnPath = true;
  else if (key === 'status') draft.status = value;
  else if (key === 'x-status') draft.xStatus = value;
}

const MEANINGS = [
  { field: 'x-status', letter: 'T', flag: 'D' },
  { field: 'x-status', letter: 'F', flag: 'F' },
  { field: 'x-status', letter: 'A', flag: 'R' },
  { field: 'status', letter: 'R', flag: 'S' },
  { field: 'x-status', letter: 'D', flag: 'T' },
] as const;

function flagsOf(status: string, xStatus: string): string {
  const said = { status, 'x-status': xStatus };
  return MEANINGS.filter(({ field, letter }) => said[field].includes(letter))
    .map(({ flag }) => flag)
    .join('');
}

const FROM = Buffer.from('From ');
const LF = 10;
