// Names of virtual users, and how they are hashed in a table.

import { asciiLower, bytesOf } from '@q/bytes';
import { cdbHash } from '@q/cdb';

/** True for a name a virtual user may have: not empty, without / : NUL and white space. */
export function isUserName(name: string): boolean {
  return /^[^/:\0\r\n\t ]+$/.test(name);
}

/** The key of a user in the table: the name in ASCII lower case. */
export function tableKey(name: string): Buffer {
  return bytesOf(asciiLower(name));
}

/**
 * The hashes under which programs look for a key: cdb's and, where the key has bytes above 127, also the
 * one VMailMgr computes from signed characters. Tables of either kind of writer exist.
 */
export function keyHashes(key: Uint8Array): number[] {
  const proper = cdbHash(key);
  return key.some((byte) => byte > 127) ? [proper, signedHash(key)] : [proper];
}

/** cdb's hash with each byte sign-extended to 32 bits first. */
function signedHash(key: Uint8Array): number {
  let hash = 5381;
  for (const byte of key) hash = (Math.imul(hash, 33) ^ ((byte << 24) >> 24)) >>> 0;
  return hash;
}
