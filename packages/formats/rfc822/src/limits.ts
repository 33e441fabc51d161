// Bounds on what a message's header can make its reader hold, and why.

/**
 * The most bytes a header may have. 100,000 recipients of 150 bytes fit, and the tokens of the densest such header
 * stay within the heap that Node gives itself on a small machine. The body has no bound: it is never held.
 */
export const HEADER_MAX = 16 * 1024 * 1024;
