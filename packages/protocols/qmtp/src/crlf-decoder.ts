// QMTP's second encoding of a message, whose lines end in CR LF: https://cr.yp.to/proto/qmtp.txt.

const CR = 13;
const LF = 10;

/** Turns CR LF into LF, from chunks that may be cut anywhere. A CR before anything else stays, and so does a bare LF. */
export class CrlfDecoder {
  /** A CR came last: what follows decides about it. */
  #held = false;

  /** The bytes that are certain now: `chunk` itself, or a copy. */
  push(chunk: Buffer): Buffer {
    if (!this.#held && !chunk.includes(CR)) return chunk;
    const out = Buffer.allocUnsafe(chunk.length + 1);
    let length = 0;
    for (const byte of chunk) {
      if (this.#held && byte !== LF) out[length++] = CR;
      this.#held = byte === CR;
      if (!this.#held) out[length++] = byte;
    }
    return out.subarray(0, length);
  }

  /** What was held back: a CR that ends the message. */
  end(): Buffer {
    const rest = Buffer.from(this.#held ? '\r' : '');
    this.#held = false;
    return rest;
  }
}
