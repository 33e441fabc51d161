// Bounds on what a message's header can make its reader hold, and why. Who meets one says "out of memory", as qmail
// does where its memory ends.

/** The most bytes a header may have: 100,000 recipients of 150 bytes. The body has no bound: it is never held. */
export const HEADER_MAX = 16 * 1024 * 1024;

/**
 * The most tokens of one field. 400,000 addresses like joe@example.org; a denser field of HEADER_MAX bytes would take
 * gigabytes.
 */
export const TOKENS_MAX = 3_000_000;
