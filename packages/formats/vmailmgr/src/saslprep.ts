// SASLprep (RFC 4013), as far as it makes one password of two ways to type it: spaces, characters that are not seen, and
// compatibility forms. What it forbids stays as it is: no client that keeps to it has such a password.

/** RFC 3454, table C.1.2: spaces that are not ASCII. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;

/** RFC 3454, table B.1: commonly mapped to nothing. */
const UNSEEN = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The prepared form of a text in UTF-8; bytes that are no UTF-8 as they are. */
export function saslPrep(bytes: Buffer): Buffer {
  if (bytes.every((byte) => byte < 0x80)) return bytes;
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    return bytes;
  }
  return Buffer.from(text.replace(SPACES, ' ').replace(UNSEEN, '').normalize('NFKC'), 'utf8');
}
