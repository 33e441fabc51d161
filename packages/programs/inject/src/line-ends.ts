// A message in which a caller ended the lines as on the wire.

import { CrlfDecoder } from '@q/qmtp';

const LF = 10;
const CR = 13;

/**
 * The message with LF where it has CR LF, if its first line ends in CR LF; else as it is. PHP's mail() is such a
 * caller of sendmail: in its header, and in its body as the script wrote it. A first line longer than the first block
 * counts as one that ends in LF.
 */
export async function* withLf(
  input: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  let decoder: CrlfDecoder | undefined;
  let first = true;
  for await (const block of input) {
    if (first && block[block.indexOf(LF) - 1] === CR) decoder = new CrlfDecoder();
    first = false;
    yield decoder === undefined ? block : decoder.push(block);
  }
  if (decoder !== undefined) yield decoder.end();
}
