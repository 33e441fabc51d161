// The strings of a search as text: they come as bytes in the charset that the command names (RFC 9051, section 6.4.4).

import { isUtf8 } from 'node:buffer';
import { bytesOf } from '@q/bytes';
import { type Charset, charsetNamed, charsetNames, decodeText } from '@q/mime';
import { CommandRefused } from '../refused.ts';

/** Decodes a search's strings. Throws BAD for bytes that are no text in the charset. */
export type TextDecoder = (latin1: string) => string;

/**
 * The decoder for a charset as the client names it. Throws NO [BADCHARSET (…)] for one that is not known, whether there are
 * strings or not. In a search that says US-ASCII, or nothing, 8-bit bytes are taken for UTF-8 where they are that: clients send
 * what was typed into them.
 */
export function textDecoder(charsetName: string): TextDecoder {
  const charset = charsetNamed(charsetName);
  if (charset === undefined) {
    const known = charsetNames().map((name) => name.toUpperCase());
    throw new CommandRefused('NO', 'Unknown charset', `BADCHARSET (${known.join(' ')})`);
  }
  return (latin1) =>
    ASCII.test(latin1) && isAsciiBased(charset) ? latin1 : decoded(charset, latin1);
}

function decoded(charset: Charset, latin1: string): string {
  const bytes = bytesOf(latin1);
  if (charset.name === 'utf-8' && !isUtf8(bytes))
    throw new CommandRefused('BAD', 'String is not valid in its charset');
  return decodeText(charset, bytes);
}

/** In which plain ASCII means itself; UTF-7, UTF-16, UTF-32 and ISO-2022-JP have other uses for it. */
function isAsciiBased({ name }: Charset): boolean {
  return !/^(?:utf-(?:7|16|32)|iso-2022)/.test(name);
}

const ASCII = /^[\0-\x7f]*$/;
