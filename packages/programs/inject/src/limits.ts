// Bounds of qmail-inject and the programs around it. The header's is HEADER_MAX of @q/rfc822.

/** What is read at once, bytes: a body passes through one such block, however large it is. */
export const BLOCK = 65_536;

/** How long to wait when somebody has made our input non-blocking and it has nothing yet, milliseconds. */
export const NONBLOCKING_POLL_MS = 20;
