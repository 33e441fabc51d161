// Unique-ids: RFC 1939 section 7. qmail's are the file names of the maildir, and stay so wherever they can.

import { createHash } from 'node:crypto';
import { bytesOf } from '@q/bytes';
import { UID_MAX } from './limits.ts';

/**
 * The unique-id of a message by the unique part of its file name (latin1): that name itself, as clients
 * remember it from qmail. A name a client could not take (too long, spaces, 8-bit bytes) is replaced by
 * its hash, which is as stable.
 *
 *     unique-id = 1*70( %x21-7E )
 */
export function uidOf(name: string): string {
  if (name.length <= UID_MAX && /^[\x21-\x7e]+$/.test(name)) return name;
  return createHash('sha256').update(bytesOf(name)).digest('base64url');
}
