// Bounds of qmail-inject and the programs around it. The header's are HEADER_MAX and TOKENS_MAX of @q/rfc822.

/** Addresses in all fields of a header. Each takes up to a kilobyte until the message is queued. */
export const HEADER_ADDRESSES_MAX = 500_000;

/** How much of a field that cannot be read is shown, bytes: more than a line of mail may have (RFC 5322, 2.1.1). */
export const SHOWN_MAX = 1000;

/** What is read at once, bytes: a body passes through one such block, however large it is. */
export const BLOCK = 65_536;

/** How long to wait when somebody has made our input non-blocking and it has nothing yet, milliseconds. */
export const NONBLOCKING_POLL_MS = 20;
