// Bounds of the resident service. Each number with its reason.

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

/** Milliseconds a worker without sessions is kept: mail clients come again every few minutes, people sooner. */
export const WORKER_IDLE = 60_000;

/** Worker processes at a time; about 15 MB of their own each. */
export const WORKERS_MAX = 200;

/** Seconds that sessions get to end when the service is stopped. */
export const GRACE_SECONDS = 20;

/** Bytes read ahead of the hand-over by the login process: one read of a socket. */
export const REST_MAX = 1024 * 1024;

/** Milliseconds between two looks at the certificates: renewed ones are in use soon, and a look is a few stats. */
export const KEYS_LOOK = 5000;
