// The form of an address in SMTP commands and header fields (RFC 821 quoting). Inside the system addresses
// are raw: the box `a b` at example.org is `a b@example.org`, and goes out as `"a b"@example.org`.

import { splitAddress } from './split.ts';

/**
 * A whole address with its local part quoted if it must be; the domain never is. The empty address stays
 * empty: it is the null reverse-path, not a box without a name.
 */
export function quoteAddress(address: string): string {
  if (address === '') return '';
  const { local, domain } = splitAddress(address);
  return domain === undefined ? quoteLocal(local) : `${quoteLocal(local)}@${domain}`;
}

/**
 * A local part, as it is if it is an RFC 821 dot-string, otherwise quoted.
 *
 *   quoted = DQUOTE *( OCTET / "\" ( CR / LF / DQUOTE / "\" ) ) DQUOTE
 */
export function quoteLocal(local: string): string {
  if (DOT_STRING.test(local)) return local;
  return `"${local.replace(/[\r\n"\\]/g, '\\$&')}"`;
}

/** Atoms joined by single dots; an atom has no control, blank, 8-bit byte or special of RFC 821. */
const DOT_STRING =
  /^[^\x00-\x20\x7f-\xff"(),:;<>@[\\\].]+(?:\.[^\x00-\x20\x7f-\xff"(),:;<>@[\\\].]+)*$/;
