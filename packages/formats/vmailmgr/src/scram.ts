// The proofs of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677), for a password that somebody stored in clear on purpose, as
// $0$PASSWORD. What was said to the client stands in the message that both proofs are made over:
//
//   AuthMessage     = n=USER,r=CNONCE,r=NONCE,s=SALT,i=ROUNDS,c=BINDING,r=NONCE
//   SaltedPassword  = PBKDF2-SHA-256(password, SALT, ROUNDS)
//   ClientProof     = ClientKey XOR HMAC(SHA-256(ClientKey), AuthMessage)     ClientKey = HMAC(SaltedPassword, "Client Key")
//   ServerSignature = HMAC(ServerKey, AuthMessage)                            ServerKey = HMAC(SaltedPassword, "Server Key")

import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { bytesOf, textOf } from '@q/bytes';
import { SCRAM_ROUNDS_MAX, SCRAM_ROUNDS_MIN } from './limits.ts';
import { isClearPassword, secretOf } from './password.ts';
import { saslPrep } from './saslprep.ts';

/** True for what a proof is made over, and no stamp of APOP or CRAM-MD5, which is in angle brackets. */
export function isAuthMessage(stamp: string): boolean {
  return stamp.startsWith('n=');
}

/**
 * The server's own proof, in base64, when `proof` (base64) is the client's for this message under the stored password; undefined
 * when it is not, or when the password is not stored in clear.
 */
export async function verifyScram(
  proof: Uint8Array,
  authMessage: string,
  stored: string | undefined,
): Promise<string | undefined> {
  const given = textOf(proof);
  const shown = shownTo(authMessage);
  if (stored === undefined || !isClearPassword(stored) || shown === undefined) return undefined;
  if (!/^[A-Za-z0-9+/]{43}=$/.test(given)) return undefined;
  const message = bytesOf(authMessage);
  for (const secret of spellings(secretOf(stored))) {
    const salted = await promisify(pbkdf2)(secret, shown.salt, shown.rounds, 32, 'sha256');
    const expected = clientProof(hmac(salted, bytesOf('Client Key')), message);
    if (!timingSafeEqual(expected, Buffer.from(given, 'base64'))) continue;
    return hmac(hmac(salted, bytesOf('Server Key')), message).toString('base64');
  }
  return undefined;
}

// --- internal ---

/** What the client was shown; undefined for a message that no server of ours was part of. */
function shownTo(authMessage: string): { salt: Buffer; rounds: number } | undefined {
  // From the end: what stands before "r=NONCE,s=" is the client's own.
  const parts =
    /^n=.*,r=([^,]+),s=([A-Za-z0-9+/]{1,100}={0,2}),i=([1-9][0-9]{0,9}),c=[^,]*,r=([^,]+)$/s.exec(
      authMessage,
    );
  if (parts === null || parts[1] !== parts[4]) return undefined;
  const rounds = Number(parts[3]);
  if (rounds < SCRAM_ROUNDS_MIN || rounds > SCRAM_ROUNDS_MAX) return undefined;
  return { salt: Buffer.from(parts[2] ?? '', 'base64'), rounds };
}

/** RFC 5802, section 2.2 has clients prepare the password; some take it as it was typed. */
function spellings(secret: Buffer): readonly Buffer[] {
  const prepared = saslPrep(secret);
  return prepared.equals(secret) ? [secret] : [prepared, secret];
}

function clientProof(clientKey: Buffer, message: Buffer): Buffer {
  const storedKey = createHash('sha256').update(clientKey).digest();
  const signature = hmac(storedKey, message);
  return Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
}

function hmac(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
