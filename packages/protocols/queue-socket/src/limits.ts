// Bounds of the queue socket and of its clients, each with its reason.

/** Longest netstring on the socket, bytes. Nothing of that size is ever held: pieces stream to disk. */
export const NETSTRING_MAX = 0x7fff_ffff;

/** Longest answer, bytes: "0 " and two numbers of at most 20 digits, with room. */
export const ANSWER_MAX = 64;

/**
 * What a client gathers before it sends, bytes, and what is read at once from a caller's fd 0 and fd 1.
 * A message below it goes out in one write, takes no connection while it trickles in, and can be sent
 * again when an idle connection proves dead.
 */
export const BLOCK = 65_536;

/** Most bytes of discarded input after an error inside a message; past it the server hangs up. */
export const DISCARD_MAX = 64 * 1024 * 1024;

/** Idle connections a client keeps. More than a burst of sessions reuses; a server holds one slot for each. */
export const IDLE_CONNECTIONS = 10;

/** A unix socket connects at once or its backlog is full (EAGAIN); how long to try again, seconds. */
export const CONNECT_SECONDS = 10;

/**
 * How long a client waits for the server to take more bytes, or to answer, seconds. RFC 5321 gives an
 * SMTP client, for whom we wait, 600.
 */
export const SERVER_SECONDS = 1200;

/** A connection without a message is closed after this, seconds. Clients take a new one. */
export const IDLE_SECONDS = 600;

/** Bytes of a filter's own text taken from its fd 6 (qmail-queue(8), exit 82). */
export const ERROR_TEXT_MAX = 255;

/** A filter that exits 82 has written its text; a grandchild may still hold fd 6 open. Seconds to wait for its end. */
export const ERROR_TEXT_SECONDS = 2;

/** At the end of a connection: how long the server waits for its last answer to go out, seconds. */
export const FLUSH_SECONDS = 5;

/** How often it looks, ms. */
export const FLUSH_POLL_MS = 20;

/** A descriptor that somebody made non-blocking is asked again after this, ms. */
export const NONBLOCKING_POLL_MS = 20;
