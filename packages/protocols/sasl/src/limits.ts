// What a SASL client may make us hold.

/**
 * Longest response line in bytes, base64: a name and a password as long as checkpassword's 512 bytes, and the
 * same name once more as authorization identity.
 */
export const RESPONSE_MAX = 1400;
