// Bounds of the services for virtual domains. Each number with its reason.

/**
 * Seconds a client may take to send a request, and to take each part of a reply. VMailMgr's daemon gave one
 * second; on a loaded host that is less than what a waiting web server needs.
 */
export const CLIENT_SECONDS = 10;

/** Bytes of a request to the account service: a name, a password and some words (courier's own: 8 KiB). */
export const AUTH_REQUEST_MAX = 8192;

/** Lines of metadata before such a request (TCPREMOTEIP=...). */
export const METADATA_LINES_MAX = 16;

/** Milliseconds before a wrong password is answered: guessing costs the guesser time, not us. */
export const REFUSAL_DELAY = 1000;

/** Milliseconds a worker may take over one piece of work: a large domain's table, waiting for its lock included. */
export const WORK_TIMEOUT = 60_000;

/**
 * Milliseconds the front process waits for the parent's word on a request: longer than any work. Out of
 * descriptors the parent never sees the client, and nobody is told.
 */
export const ANSWER_TIMEOUT = 2 * WORK_TIMEOUT;

/** Pieces of work at a time, of all clients: a bound on a front process gone mad; above any --max in use. */
export const REQUESTS_MAX = 10_000;

/** Seconds that clients get to end when the service is stopped. */
export const GRACE_SECONDS = 5;

/** Characters of one message between our processes: a request has at most 64 KiB, escaped as JSON. */
export const TEXT_MAX = 65_536;

/** Domains whose users are listed in one go; far beyond what one host serves. */
export const DOMAINS_MAX = 100_000;
