// Every bound of this package, with its reason.

/** Bytes of a server's reply that are kept for the bounce or the log; the rest is read and forgotten (qmail-remote's number). */
export const REPLY_TEXT_MAX = 5000;

/** A reply longer than this is no reply: the peer would keep us reading for ever. Far above REPLY_TEXT_MAX. */
export const REPLY_BYTES_MAX = 256 * 1024;
