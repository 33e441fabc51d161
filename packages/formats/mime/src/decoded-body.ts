// A part's body with its Content-Transfer-Encoding undone (RFC 3516, BINARY; RFC 9051, 6.4.5).

import type { ByteSource } from './byte-source.ts';
import { crlfRange } from './crlf.ts';
import type { Message, Part } from './message.ts';
import { transferDecoder } from './transfer.ts';

/**
 * The decoded bytes; undefined when the encoding is one nobody knows. Text has CRLF line ends, as the encoded text has
 * when it is sent; what base64 holds is given untouched. Multiparts and messages have no encoding: RFC 2045, 6.4
 * forbids it, and the parts inside were read without.
 */
export function decodedBody(
  source: ByteSource,
  message: Pick<Message, 'checkpoints' | 'hasNul'>,
  part: Part,
): AsyncGenerator<Buffer, void, undefined> | undefined {
  const encoding = part.kind === 'leaf' ? part.encoding : 'binary';
  const decoder = transferDecoder(encoding);
  if (decoder === undefined) return undefined;
  const { start, end } = part.body;
  const encoded =
    encoding === 'base64' ? source(start, end) : crlfRange(source, message, part.body);
  return decoded(encoded, decoder);
}

async function* decoded(
  encoded: AsyncIterable<Buffer> | Iterable<Buffer>,
  decoder: ReturnType<typeof transferDecoder> & object,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of encoded) {
    const bytes = decoder.push(piece);
    if (bytes.length > 0) yield bytes;
  }
  const rest = decoder.end();
  if (rest.length > 0) yield rest;
}
