// Netstrings: LEN ":" BYTES ",", LEN in decimal without leading zeros.
//
//   netstring = length ":" *OCTET ","      ; exactly length octets
//   length    = "0" / (%x31-39 *DIGIT)
//
// Example: "hello" is 5:hello,  and the empty one is 0:,

import { Permanent } from '@q/fault';

const COLON = 58;
const COMMA = 44;
const ZERO = 48;

/** The bytes of one netstring. */
export function encodeNetstring(payload: Uint8Array): Buffer {
  return Buffer.concat([netstringHeader(payload.length), payload, Buffer.of(COMMA)]);
}

/** "LEN:", for a sender that streams the payload and then writes "," itself. */
export function netstringHeader(length: number): Buffer {
  return Buffer.from(`${length}:`, 'latin1');
}

/**
 * Reads netstrings from chunks that may be cut anywhere, without holding a payload: `open` is called
 * with each length, `data` with the pieces of the payload (views into the chunk, valid during the
 * call), `close` after the comma. Throws Permanent on a malformed one or a length above `limit` bytes;
 * the stream is then beyond repair.
 */
export class NetstringDecoder {
  readonly #limit: number;
  readonly #on: NetstringEvents;
  #state: 'length' | 'payload' | 'comma' = 'length';
  #length = 0;
  #digits = 0;
  #left = 0;

  constructor(limit: number, on: NetstringEvents) {
    this.#limit = limit;
    this.#on = on;
  }

  /** True between netstrings, where a stream may end. */
  get atBoundary(): boolean {
    return this.#state === 'length' && this.#digits === 0;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'length': // digits up to the colon
          this.#lengthByte(chunk[at++] as number);
          break;
        case 'payload': {
          const piece = chunk.subarray(at, at + this.#left);
          at += piece.length;
          this.#left -= piece.length;
          if (this.#left === 0) this.#state = 'comma';
          this.#on.data?.(piece);
          break;
        }
        case 'comma':
          if (chunk[at++] !== COMMA) throw new Permanent('netstring without its comma');
          this.#state = 'length';
          this.#length = 0;
          this.#digits = 0;
          this.#on.close?.();
          break;
      }
    }
  }

  #lengthByte(byte: number): void {
    if (byte === COLON && this.#digits > 0) {
      this.#left = this.#length;
      this.#state = this.#length === 0 ? 'comma' : 'payload';
      this.#on.open?.(this.#length);
      return;
    }
    if (byte < ZERO || byte > ZERO + 9) throw new Permanent('netstring length is not a number');
    if (this.#digits > 0 && this.#length === 0)
      throw new Permanent('netstring length begins with 0');
    this.#length = this.#length * 10 + (byte - ZERO);
    this.#digits++;
    if (this.#length > this.#limit) throw new Permanent('netstring too long');
  }
}

export interface NetstringEvents {
  open?(length: number): void;
  data?(piece: Uint8Array): void;
  close?(): void;
}
