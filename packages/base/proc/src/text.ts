// Addresses between mail (bytes, held as latin1 text) and argv or environment (which Node decodes as UTF-8).

import { Permanent } from '@q/fault';

/** The latin1 text of the bytes of an argument or environment value. */
export function mailText(argument: string): string {
  return Buffer.from(argument, 'utf8').toString('latin1');
}

/**
 * The string that makes Node hand exactly these bytes to a child. Throws Permanent when the bytes are
 * not valid UTF-8: Node has no way to pass them on.
 */
export function argText(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const decoded = bytes.toString('utf8');
  if (!Buffer.from(decoded, 'utf8').equals(bytes))
    throw new Permanent('address is not valid UTF-8');
  return decoded;
}
