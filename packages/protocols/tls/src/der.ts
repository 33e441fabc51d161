// DER (X.690), as far as certificates need it: elements of definite, minimal length, read in order.

/** An element; `content` is a view of the bytes that were read. */
export interface Element {
  /** The identifier octet: class, "constructed" and number, which is below 31. */
  readonly tag: number;
  readonly content: Buffer;
  /** The element as a whole. */
  readonly raw: Buffer;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The elements that `bytes` consist of. Throws Error when they are no DER. */
export function elementsOf(bytes: Buffer): readonly Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; at += found.at(-1)?.raw.length ?? 0)
    found.push(elementAt(bytes, at));
  return found;
}

/** The elements inside of the only one in `bytes`, which has this tag. Throws Error for anything else. */
export function insideOf(bytes: Buffer, tag: number): readonly Element[] {
  const [only, ...more] = elementsOf(bytes);
  if (only?.tag !== tag || more.length > 0) throw notDer();
  return elementsOf(only.content);
}

/** An OBJECT IDENTIFIER's content in dotted decimals. Throws Error for what is none. */
export function oidOf(content: Buffer): string {
  const numbers: number[] = [];
  let number = 0;
  let begun = false;
  for (const byte of content) {
    if (!begun && byte === 0x80) throw notDer();
    begun = (byte & 0x80) !== 0;
    number = number * 128 + (byte & 0x7f);
    if (number > Number.MAX_SAFE_INTEGER / 256) throw notDer();
    if (begun) continue;
    numbers.push(number);
    number = 0;
  }
  const [first, ...rest] = numbers;
  if (begun || first === undefined) throw notDer();
  const arc = Math.min(2, Math.floor(first / 40));
  return [arc, first - 40 * arc, ...rest].join('.');
}

// --- internal ---

/** Longest length of a length, in bytes: more than any certificate has. */
const LENGTH_MAX = 3;

function elementAt(bytes: Buffer, at: number): Element {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw notDer();
  if (first < 0x80) return cut(bytes, at, tag, 2, first);
  const count = first & 0x7f;
  // 0x80 would be BER's indefinite length.
  if (count === 0 || count > LENGTH_MAX || at + 2 + count > bytes.length) throw notDer();
  const length = bytes.readUIntBE(at + 2, count);
  if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw notDer();
  return cut(bytes, at, tag, 2 + count, length);
}

function cut(bytes: Buffer, at: number, tag: number, header: number, length: number): Element {
  const end = at + header + length;
  if (end > bytes.length) throw notDer();
  return { tag, content: bytes.subarray(at + header, end), raw: bytes.subarray(at, end) };
}

function notDer(): Error {
  return new Error('no DER');
}
