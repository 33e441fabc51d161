// Logins that never show the password: APOP (RFC 1939 section 7) and CRAM-MD5 (RFC 2195). They need the password
// itself, so they work only where somebody stored it in clear on purpose, as $0$PASSWORD.
//
//   APOP       hex(MD5(stamp, password))           CRAM-MD5   hex(HMAC-MD5(password, stamp))

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { bytesOf, textOf } from '@q/bytes';
import { isClearPassword, secretOf } from './password.ts';

/** True when `digest` is one of the two that the stored password and the server's own stamp make. */
export function verifyDigest(
  digest: Uint8Array,
  stamp: string,
  stored: string | undefined,
): boolean {
  const given = textOf(digest);
  if (stored === undefined || !isClearPassword(stored)) return false;
  if (stamp === '' || !/^[0-9a-f]{32}$/.test(given)) return false;
  const secret = secretOf(stored);
  const apop = createHash('md5').update(bytesOf(stamp)).update(secret).digest();
  const cram = createHmac('md5', secret).update(bytesOf(stamp)).digest();
  const bytes = Buffer.from(given, 'hex');
  return timingSafeEqual(bytes, apop) || timingSafeEqual(bytes, cram);
}
