// What a server answers: one netstring for each recipient (QMTP) or for the request (QMQP).
//
//   answer = netstring( ("K" / "Z" / "D") text )        ; taken, not now, never
//
// Example: 14:Kok 1000 qp 53,

import { bytesOf, encodeNetstring, NetstringDecoder, textOf } from '@q/bytes';

/** One answer; `text` is latin1 and begins with its letter. */
export function encodeAnswer(text: string): Buffer {
  return encodeNetstring(bytesOf(text));
}

/** What is none of the three letters must not pass for consent, nor for a refusal for good. */
export function answerLetter(answer: string): 'K' | 'Z' | 'D' {
  const letter = answer[0];
  return letter === 'K' || letter === 'D' ? letter : 'Z';
}

/** Reads answers of at most `limit` bytes from chunks that may be cut anywhere. */
export class AnswerDecoder {
  readonly #decoder: NetstringDecoder;

  /** `onAnswer` is given each one as latin1 text, whole and with its letter. */
  constructor(limit: number, onAnswer: (answer: string) => void) {
    let text = '';
    this.#decoder = new NetstringDecoder(limit, {
      open: () => {
        text = '';
      },
      data: (piece) => {
        text += textOf(piece);
      },
      close: () => onAnswer(text.replaceAll('\0', '?')),
    });
  }

  /** Throws Permanent for what is no answer; the connection is of no use then. */
  push(chunk: Uint8Array): void {
    this.#decoder.push(chunk);
  }
}
