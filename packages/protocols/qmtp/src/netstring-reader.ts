// Netstrings pulled out of a stream one after the other, also out of one another: a request is larger
// than memory, and whoever reads it decides how fast it comes. The grammar is that of @q/bytes:
//
//   netstring = length ":" *OCTET ","      ; exactly length octets, no zero in front of length
//
// A stream that breaks it cannot be understood any further.

import { textOf } from '@q/bytes';
import { Permanent, Temporary } from '@q/fault';

const COLON = 58;
const COMMA = 44;
const ZERO = 48;

/** What a Conn of @q/session is: bytes for the asking; undefined at their end. */
export interface ByteInput {
  /** `between`: nothing is half done, so a server that stops need not wait. */
  read(between?: boolean): Promise<Buffer | undefined>;
}

/** The input ended in the middle of a request. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';

  constructor() {
    super('the input ended inside a netstring');
  }
}

/** Bytes that are here, and the wait for more. */
interface Bytes {
  /** The next byte, or NONE when none is here. */
  byte(): number;
  /** What is here, at most `max` bytes; undefined when nothing is. */
  take(max: number): Buffer | undefined;
  /** Waits until something is here; false at the end. */
  fill(between: boolean): Promise<boolean>;
  /** What it means when a netstring is not over at the end of these bytes. */
  cutOff(): Error;
}

const NONE = -1;

/** Reads the netstrings of an input, or those inside a payload. */
export class NetstringReader {
  readonly #bytes: Bytes;
  #current: Body | undefined;

  constructor(input: ByteInput) {
    this.#bytes = input instanceof Body ? input : new Input(input);
  }

  /**
   * The next netstring; what was left of the one before is passed over. Undefined at the end of the
   * input. Throws Temporary when it is longer than `limit` bytes, Permanent when it is none, BrokenOff.
   */
  async next(limit: number): Promise<Payload | undefined> {
    await this.#current?.skip();
    const length = await this.#length(limit);
    this.#current = length === undefined ? undefined : new Body(this.#bytes, length);
    return this.#current;
  }

  async #length(limit: number): Promise<number | undefined> {
    let length = 0;
    for (let digits = 0; ; digits++) {
      let byte = this.#bytes.byte();
      while (byte === NONE) {
        if (!(await this.#bytes.fill(digits === 0))) {
          if (digits === 0) return undefined;
          throw this.#bytes.cutOff();
        }
        byte = this.#bytes.byte();
      }
      if (byte === COLON && digits > 0) return length;
      if (byte < ZERO || byte > ZERO + 9) throw new Permanent('netstring length is not a number');
      if (digits > 0 && length === 0) throw new Permanent('netstring length begins with 0');
      length = length * 10 + (byte - ZERO);
      if (length > limit) throw new Temporary(`netstring longer than ${limit} bytes`);
    }
  }
}

/** The bytes of one netstring. */
export interface Payload {
  /** In bytes. */
  readonly length: number;
  /** The next bytes; undefined after the last, when the comma has been seen. A view, valid until the next call. Throws BrokenOff. */
  read(): Promise<Buffer | undefined>;
  /** All of it as latin1 text; undefined when it has more than `max` bytes, which are then passed over. */
  text(max: number): Promise<string | undefined>;
}

class Body implements Payload, Bytes {
  readonly length: number;
  readonly #bytes: Bytes;
  #left: number;
  #closed = false;

  constructor(bytes: Bytes, length: number) {
    this.#bytes = bytes;
    this.length = length;
    this.#left = length;
  }

  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const piece = this.take(Number.POSITIVE_INFINITY);
      if (piece !== undefined) return piece;
      if (!(await this.fill())) return undefined;
    }
  }

  async text(max: number): Promise<string | undefined> {
    if (this.length > max) {
      await this.skip();
      return undefined;
    }
    let text = '';
    for (let piece = await this.read(); piece !== undefined; piece = await this.read())
      text += textOf(piece);
    return text;
  }

  async skip(): Promise<void> {
    while ((await this.read()) !== undefined);
  }

  byte(): number {
    if (this.#left === 0) return NONE;
    const byte = this.#bytes.byte();
    if (byte !== NONE) this.#left--;
    return byte;
  }

  take(max: number): Buffer | undefined {
    if (this.#left === 0) return undefined;
    const piece = this.#bytes.take(Math.min(max, this.#left));
    this.#left -= piece?.length ?? 0;
    return piece;
  }

  async fill(): Promise<boolean> {
    if (this.#left === 0) {
      await this.#comma();
      return false;
    }
    if (!(await this.#bytes.fill(false))) throw this.#bytes.cutOff();
    return true;
  }

  cutOff(): Error {
    return new Permanent('netstring reaches beyond the one around it');
  }

  async #comma(): Promise<void> {
    if (this.#closed) return;
    let byte = this.#bytes.byte();
    while (byte === NONE) {
      if (!(await this.#bytes.fill(false))) throw this.#bytes.cutOff();
      byte = this.#bytes.byte();
    }
    if (byte !== COMMA) throw new Permanent('netstring without its comma');
    this.#closed = true;
  }
}

/** The outermost bytes: chunk after chunk of the input. */
class Input implements Bytes {
  readonly #input: ByteInput;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(input: ByteInput) {
    this.#input = input;
  }

  byte(): number {
    return this.#at < this.#chunk.length ? (this.#chunk[this.#at++] as number) : NONE;
  }

  take(max: number): Buffer | undefined {
    if (this.#at === this.#chunk.length) return undefined;
    const piece = this.#chunk.subarray(this.#at, this.#at + max);
    this.#at += piece.length;
    return piece;
  }

  async fill(between: boolean): Promise<boolean> {
    if (this.#at < this.#chunk.length) return true;
    const chunk = await this.#input.read(between);
    this.#chunk = chunk ?? Buffer.alloc(0);
    this.#at = 0;
    return chunk !== undefined;
  }

  cutOff(): Error {
    return new BrokenOff();
  }
}
