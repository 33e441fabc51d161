// Every bound of this package, with its reason.

/** Seconds without a byte from the peer before a session is given up: qmail's timeoutsmtpd, popup's alarm. */
export const IDLE_TIMEOUT = 1200;

/** Most sessions of one resident listener: tcpserver's -c 40. */
export const MAX_SESSIONS = 40;

/** Connections the kernel completes before we accept them: a burst, not a queue (tcpserver's 20 is too small for a resident server). */
export const BACKLOG = 128;

/**
 * After our last word we read on for this many seconds, so that the kernel does not answer bytes
 * still under way with a reset, which would take our reply away from the peer.
 */
export const LINGER_SECONDS = 2;

/** A peer that keeps talking after our last word gets no more than this many bytes of patience. */
export const LINGER_BYTES = 1024 * 1024;

/** Seconds a session that is in the middle of something may take to finish after SIGTERM. */
export const GRACE_SECONDS = 20;

/** Bytes that were read and that the session has not asked for: past this the peer has to wait. Two reads of Node's. */
export const AHEAD_MAX = 128 * 1024;

/** A batch up to this many bytes is copied into one buffer; a bigger one goes out by writev. */
export const JOIN_BYTES = 16 * 1024;

/** Seconds the fixed sentence for a refused connection may take to leave. */
export const REFUSAL_SECONDS = 5;

/** Seconds a TLS handshake may take: two round trips, and a phone on a bad line. */
export const HANDSHAKE_SECONDS = 30;

/** Seconds without a byte in either direction of a tunnel: longer than any server at its end waits. */
export const TUNNEL_IDLE = 2000;

/**
 * What a compressed connection costs while nobody speaks: 16 kB each for deflate's window and its tables (RFC 1951 knows up to
 * 32 kB and 128 kB, which compress mail by a few per cent more), and what inflate needs, which the peer chooses, 40 kB at most.
 */
export const DEFLATE_WINDOW = 12;
export const DEFLATE_MEMORY = 5;

/** Bytes that are inflated or deflated at a time. */
export const ZLIB_CHUNK = 4096;
