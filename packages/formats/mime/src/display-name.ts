// What SORT (DISPLAYFROM) and (DISPLAYTO) compare: the first address as a reader sees it (RFC 5957, 3).

import { decodeHeader } from './encoded-word.ts';
import type { Address } from './message.ts';

/**
 * The decoded name of the first address; without one its mailbox@host. A group that stands first is known by its name.
 * Empty when there is no address.
 */
export function displayName(addresses: readonly Address[] | undefined): string {
  const first = addresses?.[0];
  if (first === undefined) return '';
  const name = decodeHeader(first.name ?? '');
  if (name !== '') return name;
  const mailbox = decodeHeader(first.mailbox ?? '');
  return first.host ? `${mailbox}@${decodeHeader(first.host)}` : mailbox;
}
