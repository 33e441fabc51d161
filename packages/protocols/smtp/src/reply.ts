// A server's reply, as a client reads it: RFC 5321, 4.2.1.
//
//   reply = *( code "-" text LF ) code [ SP text ] LF       ; CR before LF is dropped
//   code  = 3DIGIT
//
// Example: "250-mx.example\r\n250 SIZE 1000\r\n" is one reply with code 250.

import { textOf } from '@q/bytes';
import { Temporary } from '@q/fault';
import { REPLY_BYTES_MAX, REPLY_TEXT_MAX } from './limits.ts';

export interface Reply {
  /** The code of the first line; NO_SENSE when that is not three digits. */
  readonly code: number;
  /** All lines with their codes, each ended by LF, latin1, without CR and NUL, cut to REPLY_TEXT_MAX bytes. */
  readonly text: string;
}

/** What a line that is no reply counts as: "service not available, try later". It must never pass for consent. */
export const NO_SENSE = 421;

const LF = 10;
const CODE_LENGTH = 3;

/** Collects replies from chunks that may be cut anywhere. */
export class ReplyParser {
  /** The kept text of the reply under way. */
  #text = '';
  /** The first bytes of the line under way, enough to see whether it is the last. */
  #head = '';
  #first: string | undefined;
  #size = 0;

  /** False while a reply has begun and not ended. */
  get atBoundary(): boolean {
    return this.#size === 0;
  }

  /** The replies that this chunk completes. Throws Temporary when one grows beyond all measure. */
  push(chunk: Uint8Array): Reply[] {
    const replies: Reply[] = [];
    let start = 0;
    while (start < chunk.length) {
      const lf = chunk.indexOf(LF, start);
      const end = lf < 0 ? chunk.length : lf + 1;
      this.#take(chunk.subarray(start, end));
      start = end;
      if (lf < 0) break;
      const reply = this.#lineEnd();
      if (reply !== undefined) replies.push(reply);
    }
    return replies;
  }

  #take(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > REPLY_BYTES_MAX) throw new Temporary('reply too long');
    const wanted = REPLY_TEXT_MAX - this.#text.length;
    if (this.#head.length <= CODE_LENGTH) {
      this.#head += textOf(bytes.subarray(0, CODE_LENGTH + 1 - this.#head.length));
    }
    if (wanted <= 0) return;
    this.#text += textOf(bytes).replaceAll('\r', '').replaceAll('\0', '?').slice(0, wanted);
  }

  /** A line is complete: the reply too, unless a "-" follows the code. */
  #lineEnd(): Reply | undefined {
    const head = this.#head;
    this.#first ??= head;
    this.#head = '';
    if (head[CODE_LENGTH] === '-') return undefined;
    const reply = { code: codeOf(this.#first), text: this.#text };
    this.#text = '';
    this.#first = undefined;
    this.#size = 0;
    return reply;
  }
}

function codeOf(head: string): number {
  return /^[2-5][0-9]{2}([^0-9]|$)/.test(head) ? Number(head.slice(0, CODE_LENGTH)) : NO_SENSE;
}
