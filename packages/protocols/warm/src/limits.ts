// Bounds on warm workers, each with its reason.

/** Workers of one caller, whatever they are for: 25 MB of memory of their own each make one gigabyte. */
export const WORKERS_TOTAL = 40;

/**
 * Workers with one key. Each makes hundreds of calls a second: more than a few are needed only where calls
 * hang or start programs, and beyond these a hanging one costs what it always did, a process.
 */
export const WORKERS_PER_KEY = 4;

/**
 * Calls that are given to a worker together, where they can be: they share what waits for the disk. One that hangs,
 * or crashes the worker, takes these with it.
 */
export const TOGETHER = 16;

/** Milliseconds after which an unused worker ends: less often than this its memory is worth more. */
export const IDLE = 60_000;

/**
 * Milliseconds a worker is left alone before it is ended to make room for another key's. Where more keys
 * are busy than there are workers, replacing one for each call would cost more than calls without a worker.
 */
export const IDLE_FOR_OTHERS = 5_000;

/**
 * Milliseconds to wait for a busy worker of the key before another one is started: about what a start takes. Who
 * can share a worker waits on as long as one of the key's answers at least so often.
 */
export const PATIENCE = 200;

/** Milliseconds after which nobody waits for a worker any longer, however busy they are. */
export const PATIENCE_MAX = 5_000;

/** Milliseconds for which calls are made one by one after a worker has crashed: one of them may be why. */
export const ALONE = 60_000;

/** Milliseconds a new worker has to say that it is ready, on a machine that is overloaded. */
export const READY = 30_000;

/** Milliseconds without another try after a program did not become a worker: perhaps it has no such form. */
export const COLD = 60_000;

/** Milliseconds between the end of a worker's input and SIGKILL. It has nothing left to do. */
export const END = 5_000;

/** Keys remembered that have no worker: one failed start each. */
export const KEYS = 1_000;

/** Calls of one worker: what leaks a little with each call never becomes much. */
export const CALLS = 10_000;

/** Bytes a worker may grow by, at its highest, after its first call. Big messages pass in pieces and do not add up to this. */
export const GROWTH = 64 * 1024 * 1024;

/** Milliseconds of a call after which its worker is not used again: something under it was hanging, or still is. */
export const LONG_CALL = 600_000;

/** Bytes of one call: arguments are a few addresses, an environment has a few more. No socket takes more at once. */
export const CALL_MAX = 256 * 1024;

/** Bytes of answers read at once. */
export const READ_SIZE = 4096;
