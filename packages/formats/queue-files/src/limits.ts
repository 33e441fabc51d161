// The queue's numbers: two of them make the garbage collector safe, so they stand side by side.

/** Seconds after which qmail-queue gives up, whatever it waits for. */
export const QUEUE_ALARM = 86_400;

/**
 * Seconds since its last access after which a file that no message needs is garbage. Must exceed
 * QUEUE_ALARM: what a living qmail-queue is still writing is then never collected.
 */
export const OSSIFIED = 129_600;

/** Subdirectories of mess, info, local and remote. Changing it means renaming every file of a queue. */
export const SPLIT = 23;

/**
 * Longest record read from a queue file, in bytes. An envelope address (1002) plus what control files
 * put around it (envnoathost, a virtualdomains prepend) stays far below; more is a damaged file.
 */
export const RECORD_MAX = 16_384;

/** Bytes of queue/lock/tcpto: 64 records of 16. Every program that writes it counts on that. */
export const TCPTO_SIZE = 1024;
