// What a host's certificates may cost.

/** A certificate with its chain and key, in bytes: 4 kB are usual. */
export const KEY_FILE_MAX = 256 * 1024;

/** Names with a certificate of their own; each is a file to look at when one has changed. */
export const NAMES_MAX = 1000;

/** Certificates a client may show, and their bytes; two or three of 1 kB are usual. */
export const CHAIN_MAX = 8;
export const CHAIN_BYTES_MAX = 64 * 1024;

/** Signatures looked at for one chain: with many CAs of one name there would be many ways. */
export const SIGNATURES_MAX = 24;

/** What OpenSSL's own security level asks for, in Debian and since 3.2 everywhere. */
export const RSA_BITS_MIN = 2048;

/** CAs that clients may have their certificates from, and the bytes of a file of them: all public ones are 150 in 220 kB. */
export const TRUSTED_MAX = 500;
export const TRUST_FILE_MAX = 1024 * 1024;

/** Files looked at in a directory of them: a link and a name for each. */
export const TRUST_FILES_MAX = 2000;
