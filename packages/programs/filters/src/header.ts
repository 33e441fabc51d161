// The header of the message on descriptor 0, read from where it stands, as far as it must be.

import { errnoText, isFault, Temporary } from '@q/fault';
import { stdinChunks } from '@q/fsx';
import { type Field, HeaderReader, parseAddressList, parseField } from '@q/rfc822';

/**
 * Calls `onField` for each field; resolves to the beginning of the body that was read with the header.
 * Throws Temporary when it cannot be read, or is longer than any header that is meant well.
 */
export async function readHeader(onField: (field: Field, text: string) => void): Promise<Buffer> {
  const reader = new HeaderReader({
    onField: (text) => {
      const field = parseField(text);
      if (field !== undefined) onField(field, text);
    },
  });
  try {
    for await (const chunk of stdinChunks(null)) {
      const body = reader.push(chunk);
      if (body !== undefined) return Buffer.from(body.subarray(1)); // without the empty line
    }
    return reader.end()?.subarray(1) ?? Buffer.alloc(0);
  } catch (error) {
    if (isFault(error)) throw error;
    throw new Temporary(`unable to read message: ${errnoText(error)}`, { cause: error });
  }
}

/** The addresses of a field; none if it is no address list. */
export function addressesOf(field: Field): readonly string[] {
  return parseAddressList(field.body) ?? [];
}
