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

/** Milliseconds that the end of a child's channel may come after its own: longer only if another process has inherited it. */
export const CHANNEL_END_TIMEOUT = 5000;

/** Milliseconds without work until a process gives memory back: after what a cache of mail lets go first (5 s). */
export const QUIET = 8000;

/** Milliseconds from then until it looks again: a cache forgets its facts after 20 s. */
export const FORGOTTEN = 20_000;

/** Bytes that a process must have grown by ... */
export const GROWN_MIN = 3 * 1024 * 1024;

/** ... and the part of its size: collecting takes as long as what is alive is large. */
export const GROWN_SHARE = 0.1;

/**
 * For the C library of a child (mallopt(3)). What is large is mapped by itself: its pages are zero without being written, and go back
 * to the kernel when it is freed. Left alone, malloc soon takes it from its heap; then each cache of mail that is opened costs the
 * 2 MB that LMDB asks for and seldom uses. What is freed at the heap's end stays, as malloc itself would soon have it: else each larger
 * reply costs the kernel pages (half as many again while mail is fetched). And few heaps: a thread that reads a file needs none of its own.
 */
export const MALLOC = {
  MALLOC_MMAP_THRESHOLD_: String(1024 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(8 * 1024 * 1024),
  MALLOC_ARENA_MAX: '2',
} as const;
