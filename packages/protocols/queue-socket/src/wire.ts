// The queue socket's wire format. A connection carries any number of messages, one after the other:
//
//   request  = *piece end-of-message envelope
//   piece    = netstring            ; not empty: the next bytes of the message (qmail-queue's fd 0)
//   end-of-message = "0:,"
//   envelope = netstring            ; F<sender>\0 *(T<recipient>\0) \0 (qmail-queue's fd 1)
//   answer   = netstring of CODE    ; qmail-queue's exit code, not 0
//            / netstring of "0 N QP"; queued as message N; QP stands for the pid in intd and Received
//
// Example:  "6:hello\n,0:,15:Fa@b.c\0Td@e.f\0\0,"  is answered by  "14:0 1234567 4321,".
//
// There is exactly one answer for each request, in order. Nothing is queued before the envelope's last
// byte has arrived, and nothing is left of a request whose connection breaks before that. An error
// inside a request is answered at once; the rest of that request is then read and thrown away, so that
// the connection stays usable, up to DISCARD_MAX bytes: past that the server hangs up. What is no
// netstring is answered with 91 and the connection is closed. Bytes after the envelope's final NUL,
// inside its netstring, are ignored, as qmail-queue leaves fd 1 unread there.

import { encodeNetstring, NetstringDecoder, textOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { ANSWER_MAX, NETSTRING_MAX } from './limits.ts';

/** The empty netstring: the message is complete. */
export const END_OF_MESSAGE: Buffer = encodeNetstring(Buffer.alloc(0));

export type Answer =
  | { readonly code: 0; readonly number: string; readonly qp: string }
  | { readonly code: number };

/** One answer as it goes over the wire. */
export function encodeAnswer(answer: Answer): Buffer {
  const text = 'qp' in answer ? `0 ${answer.number} ${answer.qp}` : String(answer.code);
  return encodeNetstring(Buffer.from(text, 'latin1'));
}

/** Reads answers from chunks cut anywhere. Throws a fault when the server does not speak this format. */
export class AnswerDecoder {
  readonly #netstrings: NetstringDecoder;
  #payload = '';

  constructor(onAnswer: (answer: Answer) => void) {
    this.#netstrings = new NetstringDecoder(ANSWER_MAX, {
      open: () => {
        this.#payload = '';
      },
      data: (piece) => {
        this.#payload += textOf(piece);
      },
      close: () => onAnswer(parseAnswer(this.#payload)),
    });
  }

  push(chunk: Buffer): void {
    this.#netstrings.push(chunk);
  }
}

/** answer = "0 " 1*DIGIT " " 1*DIGIT / CODE; CODE = 1 to 3 digits, not 0. */
function parseAnswer(text: string): Answer {
  const queued = /^0 ([0-9]{1,20}) ([0-9]{1,20})$/.exec(text);
  if (queued !== null) return { code: 0, number: queued[1] as string, qp: queued[2] as string };
  if (/^[1-9][0-9]{0,2}$/.test(text) && Number(text) < 256) return { code: Number(text) };
  throw new Temporary('the queue server gave an answer that makes no sense');
}

/** What a chunk of requests holds, in order. Pieces are views into the chunk. */
export type RequestEvent =
  | { readonly kind: 'message'; readonly pieces: Buffer[] }
  | { readonly kind: 'end-of-message' }
  | { readonly kind: 'envelope'; readonly pieces: Buffer[] }
  | { readonly kind: 'end-of-request' };

/** Cuts the requests of one connection into events. Throws Permanent where netstrings end making sense. */
export class RequestDecoder {
  readonly #netstrings: NetstringDecoder;
  #part: 'message' | 'envelope' = 'message';
  #length = 0;
  #begun = false;
  #events: RequestEvent[] = [];

  constructor() {
    this.#netstrings = new NetstringDecoder(NETSTRING_MAX, {
      open: (length) => {
        this.#length = length;
        this.#begun = true;
      },
      data: (piece) => this.#data(piece),
      close: () => this.#close(),
    });
  }

  /** True where no request has begun: a connection may end here. */
  get betweenRequests(): boolean {
    return !this.#begun && this.#netstrings.atBoundary;
  }

  /** The events of this chunk. When it throws, what stood before in the same chunk is lost with the rest. */
  push(chunk: Uint8Array): RequestEvent[] {
    this.#events = [];
    this.#netstrings.push(chunk);
    return this.#events;
  }

  #data(bytes: Uint8Array): void {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const last = this.#events.at(-1);
    if (last?.kind === this.#part) last.pieces.push(piece);
    else this.#events.push({ kind: this.#part, pieces: [piece] });
  }

  #close(): void {
    if (this.#part === 'envelope') {
      this.#part = 'message';
      this.#begun = false;
      this.#events.push({ kind: 'end-of-request' });
    } else if (this.#length === 0) {
      this.#part = 'envelope';
      this.#events.push({ kind: 'end-of-message' });
    }
  }
}
