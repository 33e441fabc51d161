// Bounds of what every resident service has: children and their work. Each number with its reason.

/** Milliseconds a worker without work is kept: mail clients come again every few minutes, people sooner. */
export const WORKER_IDLE = 60_000;

/** Worker processes at a time; about 15 MB of their own each. */
export const WORKERS_MAX = 200;

/**
 * Milliseconds until a worker must have said that it has the connection it was sent, its start included. Out of
 * descriptors a process never sees it, and neither side is told (unix(7), MSG_CTRUNC).
 */
export const TAKEN_TIMEOUT = 30_000;
