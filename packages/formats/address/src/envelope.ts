// The envelope that qmail-queue reads on fd 1 (qmail-queue(8), envelopes(5)).
//
//   envelope  = "F" address NUL *( "T" address NUL ) NUL
//   address   = 0*1002 ( any OCTET but NUL )
//
// Example: F joe@example.org NUL T ann@example.net NUL T root NUL NUL (written without the blanks).

import { bytesOf, textOf } from '@q/bytes';
import { Permanent, Temporary } from '@q/fault';
import { ENVELOPE_ADDRESS_MAX } from './limits.ts';

/** The exit codes qmail-queue gives for a bad envelope; the decoder's faults carry them. */
export const ENVELOPE_EXIT = {
  /** An address has more than ENVELOPE_ADDRESS_MAX bytes. */
  tooLong: 11,
  /** The input ended before the envelope did: its writer gave up or died, nothing may be queued. */
  incomplete: 54,
  /** Not an envelope. */
  format: 91,
} as const;

export interface Envelope {
  readonly sender: string;
  readonly recipients: readonly string[];
}

/** Called as the addresses are completed, so that a million recipients need no memory. */
export interface EnvelopeEvents {
  sender?(address: string): void;
  recipient?(address: string): void;
}

/** The bytes of an envelope. Throws Permanent for an address that cannot be in one. */
export function encodeEnvelope(sender: string, recipients: Iterable<string>): Buffer {
  let text = `F${checked(sender)}\0`;
  for (const recipient of recipients) text += `T${checked(recipient)}\0`;
  return bytesOf(`${text}\0`);
}

function checked(address: string): string {
  if (address.includes('\0')) throw new Permanent('NUL in an envelope address');
  if (address.length > ENVELOPE_ADDRESS_MAX) throw tooLong();
  return address;
}

/**
 * Reads an envelope from chunks that may be cut anywhere. With a `recipient` event the recipients are
 * not kept. push() and finish() throw faults whose exitCode is one of ENVELOPE_EXIT.
 */
export class EnvelopeDecoder {
  readonly #on: EnvelopeEvents;
  #state: 'sender-mark' | 'sender' | 'recipient-mark' | 'recipient' | 'done' = 'sender-mark';
  #parts: Buffer[] = [];
  #held = 0;
  #sender = '';
  readonly #recipients: string[] = [];

  constructor(on: EnvelopeEvents = {}) {
    this.#on = on;
  }

  /** True once the terminating NUL has been seen. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /** Takes the next bytes; returns how many belong to the envelope (the rest stands after its end). */
  push(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'sender-mark': // the very first byte
          if (chunk[at++] !== F) throw badFormat();
          this.#state = 'sender';
          break;
        case 'recipient-mark': // between records: another recipient, or the end
          if (chunk[at] === 0) {
            this.#state = 'done';
            return at + 1;
          }
          if (chunk[at++] !== T) throw badFormat();
          this.#state = 'recipient';
          break;
        case 'sender':
        case 'recipient': // inside an address, up to its NUL
          at = this.#address(chunk, at);
          break;
        case 'done':
          return at;
      }
    }
    return at;
  }

  /** What was read. Throws Temporary (54) if the terminating NUL has not come. */
  finish(): Envelope {
    if (this.#state !== 'done') {
      throw new Temporary('envelope ends too early', { exitCode: ENVELOPE_EXIT.incomplete });
    }
    return { sender: this.#sender, recipients: this.#recipients };
  }

  #address(chunk: Buffer, start: number): number {
    const nul = chunk.indexOf(0, start);
    const end = nul < 0 ? chunk.length : nul;
    if (this.#held + (end - start) > ENVELOPE_ADDRESS_MAX) throw tooLong();
    const piece = chunk.subarray(start, end);
    if (nul < 0) {
      this.#parts.push(Buffer.from(piece));
      this.#held += piece.length;
      return end;
    }
    this.#give(this.#held === 0 ? textOf(piece) : textOf(Buffer.concat([...this.#parts, piece])));
    return nul + 1;
  }

  #give(address: string): void {
    this.#parts = [];
    this.#held = 0;
    if (this.#state === 'sender') {
      this.#sender = address;
      this.#on.sender?.(address);
    } else if (this.#on.recipient) {
      this.#on.recipient(address);
    } else {
      this.#recipients.push(address);
    }
    this.#state = 'recipient-mark';
  }
}

const F = 0x46;
const T = 0x54;

function badFormat(): Temporary {
  return new Temporary('not an envelope', { exitCode: ENVELOPE_EXIT.format });
}

function tooLong(): Permanent {
  return new Permanent('envelope address too long', { exitCode: ENVELOPE_EXIT.tooLong });
}
