// What a SASL client may make us hold.

/**
 * Longest response line in bytes, base64: a name and a password as long as checkpassword's 512 bytes, and the
 * same name once more as authorization identity.
 */
export const RESPONSE_MAX = 1400;

/**
 * Rounds of PBKDF2 for SCRAM: RFC 7677 asks for 4096 at least, for clients with little power. They protect against who overhears
 * an exchange without TLS; more than some 10000 make an old telephone slow.
 */
export const SCRAM_ITERATIONS = 10_000;
