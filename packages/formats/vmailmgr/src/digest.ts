// Logins that never show the password: APOP (RFC 1939 section 7) and CRAM-MD5 (RFC 2195). They need the password
// itself, so they work only where somebody stored it in clear on purpose, as $0$PASSWORD.
//
//   APOP       hex(MD5(stamp, password))           CRAM-MD5   hex(HMAC-MD5(password, stamp))

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { bytesOf, textOf } from '@q/bytes';

/** True when `digest` is one of the two that the stored password and the server's own stamp make. */
export function verifyDigest(
  digest: Uint8Array,
  stamp: string,
  stored: string | undefined,
): boolean {
  const given = textOf(digest);
  if (stamp === '' || !/^[0-9a-f]{32}$/.test(given) || !stored?.startsWith('$0$')) return false;
  const secret = bytesOf(stored.slice(3));
  if (secret.length === 0) return false;
  const apop = createHash('md5').update(bytesOf(stamp)).update(secret).digest();
  const cram = createHmac('md5', secret).update(bytesOf(stamp)).digest();
  const bytes = Buffer.from(given, 'hex');
  return timingSafeEqual(bytes, apop) || timingSafeEqual(bytes, cram);
}
