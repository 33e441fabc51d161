// Bounds of a service with logins. Each number with its reason.

/** Seconds from greeting to login, however busily the client trickles. */
export const LOGIN_SECONDS = 180;

/** The part of --max that one address may hold before it logs in: who guesses leaves room for all others. */
export const STRANGERS_SHARE = 0.5;

/** Wrong passwords on one connection; then it is closed. */
export const ATTEMPTS_MAX = 3;

/** Milliseconds the rest of the service may take to judge a password, a worker's start included. */
export const VERDICT_TIMEOUT = 30_000;

/** Logins and sessions the parent keeps account of; far more than any --max in use. A bound on a login process gone mad. */
export const SESSIONS_MAX = 100_000;

/**
 * Milliseconds from "ok" until the client must have been handed over; then the login is forgotten. A client that
 * does not read its answers can hold it up, and the login process, when the parent was out of descriptors,
 * cannot know that the socket did not arrive.
 */
export const TAKE_TIMEOUT = 60_000;

/** Seconds a hook may take: less than VERDICT_TIMEOUT, so that its failure is told before nobody waits for it. */
export const HOOK_SECONDS = 25;

/** Seconds that sessions get to end when the service is stopped. */
export const GRACE_SECONDS = 20;

/** Bytes read ahead of the hand-over by the login process: one read of a socket. */
export const REST_MAX = 1024 * 1024;

/** Milliseconds between two looks at the certificates: renewed ones are in use soon, and a look is a few stats. */
export const KEYS_LOOK = 5000;

/** Longest user name, password, path or value of an environment in a message, in characters. */
export const TEXT_MAX = 4096;

/** What a message may hold of certificates, so that it can be taken apart; @q/tls judges them by narrower bounds. */
export const CERTIFICATES_MAX = 8;
export const CERTIFICATE_TEXT_MAX = 96 * 1024;

/** Variables in an environment: we make about thirty. */
export const ENV_MAX = 100;

/** Words with numbers in a line of the log. */
export const COUNTS_MAX = 10;
