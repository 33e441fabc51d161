// Bounds of qmail-queue, each with its reason.

/** Tries for a free name in pid/: another qmail-queue can hold one only if pids were reused in a second. */
export const PID_NAME_TRIES = 9;

/**
 * Longest envelope, bytes, when it must be passed on through the socket: its length goes first there, so
 * all of it is held. Some 60,000 recipients of the greatest length.
 */
export const FORWARDED_ENVELOPE_MAX = 64 * 1024 * 1024;

/** Connections served at once. Each holds at most three descriptors and some 200 kB. */
export const CONNECTIONS_MAX = 1024;

/** Of these, how many all ordinary users together may have: smtpd, send and the aliases always get in. */
export const ORDINARY_CONNECTIONS_MAX = 512;

/**
 * And one ordinary user alone, so that none can shut out the others. Above the 120 local deliveries of a
 * default qmail-lspawn, which may all be forwards of one virtual domain.
 */
export const USER_CONNECTIONS_MAX = 128;

/**
 * Threads for file operations. Each fsync occupies one until the disk has answered, and those under way
 * together share a journal commit: with Node's 4 the disk would idle between them.
 */
export const THREADS = 64;

/** After SIGTERM or a lost lifeline: how long messages under way may take to end, seconds. */
export const GRACE_SECONDS = 60;
