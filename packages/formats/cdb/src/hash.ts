// The hash of cdb: h = 5381, then for each byte h = (h * 33) xor byte, in 32 bits.

/** The hash of a key's bytes, as an unsigned 32-bit number. */
export function cdbHash(key: Uint8Array): number {
  let hash = 5381;
  for (const byte of key) hash = (Math.imul(hash, 33) ^ byte) >>> 0;
  return hash;
}
