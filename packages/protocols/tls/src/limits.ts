// What a host's certificates may cost.

/** A certificate with its chain and key, in bytes: 4 kB are usual. */
export const KEY_FILE_MAX = 256 * 1024;

/** Names with a certificate of their own; each is a file to look at when one has changed. */
export const NAMES_MAX = 1000;
