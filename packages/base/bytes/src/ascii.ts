// Mail is bytes. A wire token, once cut out, is a latin1 string: byte and character map one to one,
// nothing is lost and nothing is guessed. Case is ASCII's; no locale, no Unicode.

/** The latin1 string of a byte sequence: lossless, one character a byte. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The bytes of a latin1 string. Throws RangeError for a character above U+00FF: that is a bug, not mail. */
export function bytesOf(text: string): Buffer {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0xff) throw new RangeError('not a latin1 string');
  }
  return Buffer.from(text, 'latin1');
}

/** Lower case for A-Z only; every other byte stays. */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (run) => run.toLowerCase());
}

/** Equality that ignores the case of A-Z only. */
export function asciiEqual(a: string, b: string): boolean {
  return a.length === b.length && asciiLower(a) === asciiLower(b);
}
