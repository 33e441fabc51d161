// Every bound of this package, with its reason.

/** The longest piece of a log line in one syslog message, in bytes: with stamp and tag below RFC 3164's 1024. */
export const PIECE_MAX = 799;

/** Bytes read from a log at once. */
export const BLOCK = 65_536;

/** A descriptor that somebody made non-blocking is asked again after this, ms. */
export const NONBLOCKING_POLL_MS = 20;

/** Seconds an ident server may take to accept, and to answer, if nothing else is said. */
export const IDENT_SECONDS = 30;

/** Bytes of an ident answer that are read: RFC 1413 allows a line of 1000. */
export const IDENT_LINE_MAX = 1000;

/** Bytes of a user name that are kept: what mail programs have always made room for. */
export const IDENT_NAME_MAX = 255;

/** Milliseconds a name server has for its first answer; the resolver doubles it with each try. */
export const DNS_TIMEOUT_MS = 5000;

/** Times each name server is asked: a client waits meanwhile. */
export const DNS_TRIES = 2;

/** A name by DNS, in bytes (RFC 1035). */
export const NAME_MAX = 255;
