// Header text as a reader sees it: encoded words decoded (RFC 2047), also those in parameters (RFC 2231, 5).
//
//   encoded-word = "=?" charset [ "*" language ] "?" ( "B" / "Q" ) "?" encoded-text "?="
//
// Example: "=?utf-8?q?caf=C3?= =?utf-8?q?=A9?= ok" is "café ok": the blank between two words is dropped, and a character
// may be cut in two by words of one charset, as some programs do. What cannot be decoded stays as it is written. Words
// are decoded wherever they stand, also inside other words and in quotes, because programs put them there.

import { type Charset, charsetNamed, decodeText, UNSTATED } from './charset.ts';
import { Base64Decoder } from './transfer.ts';

/**
 * Decodes latin1 text of an unfolded field. The result may hold any character, line ends and controls too: who shows it
 * or writes it to a log escapes them.
 */
export function decodeHeader(text: string): string {
  if (!text.includes('=?')) return raw(text);
  const pieces: string[] = [];
  /** Decoded words of one charset that stand beside each other. */
  let words: Buffer[] = [];
  let charset: Charset | undefined;
  let at = 0;
  const flush = () => {
    if (charset !== undefined) pieces.push(decodeText(charset, Buffer.concat(words)));
    words = [];
    charset = undefined;
  };
  for (const found of text.matchAll(ENCODED_WORD)) {
    const [whole, name = '', encoding = '', encoded = ''] = found;
    const wordCharset = charsetNamed(name);
    if (wordCharset === undefined) continue;
    const between = text.slice(at, found.index);
    at = found.index + whole.length;
    if (charset === undefined || !BLANKS_ONLY.test(between)) {
      flush();
      pieces.push(raw(between));
    } else if (charset !== wordCharset) {
      flush();
    }
    charset = wordCharset;
    words.push(wordBytes(encoding, encoded));
  }
  flush();
  pieces.push(raw(text.slice(at)));
  return pieces.join('');
}

function wordBytes(encoding: string, encoded: string): Buffer {
  if (encoding === 'B' || encoding === 'b') {
    const decoder = new Base64Decoder();
    return Buffer.concat([decoder.push(Buffer.from(encoded, 'latin1')), decoder.end()]);
  }
  const decoded = encoded
    .replace(/_/g, ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  return Buffer.from(decoded, 'latin1');
}

/** Text that is not encoded: 8-bit bytes in it are no mail, but there are such mails. */
function raw(text: string): string {
  return ASCII.test(text) ? text : decodeText(UNSTATED, Buffer.from(text, 'latin1'));
}

const ASCII = /^[\0-\x7f]*$/;
const BLANKS_ONLY = /^[ \t\r\n]*$/;
/** Charset and language are bounded, so that a flood of "=?" takes linear time. */
const ENCODED_WORD = /=\?([^?* \t\r\n]{1,64})(?:\*[^? \t\r\n]{0,64})?\?([BbQq])\?([^?]*)\?=/g;
