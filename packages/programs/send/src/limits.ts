// Every bound and period of qmail-send and qmail-clean, with its reason. Seconds unless stated.

/** A file that could not be opened, stat'ed or unlinked is tried again after this (qmail's 123). */
export const RETRY_SYSTEM = 123;

/** todo is scanned this often even if nobody pulls the trigger: a pull may be lost, a crash may leave work. */
export const TODO_RESCAN = 1500;

/** Milliseconds from a pull of the trigger to its scan, where the kernel names new messages anyway. */
export const PULL_DELAY = 1000;

/** mess is searched for leftovers of crashed qmail-queue processes at the start and then this often (about 21 h). */
export const CLEANUP_PERIOD = 76431;

/** The longest sleep; also keeps a timer's milliseconds far below 2^31. */
export const SLEEP_MAX = 86400;

/** Timers may come early by a rounding; this much later makes the due entry really due. */
export const SLEEP_FUZZ = 1;

/** A failed append to a bounce file is tried again after this; the delivery keeps its slot meanwhile. */
export const BOUNCE_RETRY = 10;

/**
 * Messages being preprocessed at the same time. Each waits for its fsyncs, which the file system then
 * does together; every one holds at most five descriptors and READ_CHUNK bytes.
 */
export const TODO_PARALLEL = 16;

/**
 * Messages in line for each channel that are still in todo. Enough that a channel which is busy, not stuck, takes
 * what comes without preprocessing; a stuck one keeps no more than these from being scheduled on disk.
 */
export const EARLY_MAX = 256;

/** Reading a big queue at the start takes seconds: after this many messages, the log says how far it is. */
export const LOAD_REPORT = 50_000;

/** Bytes of commands to a spawner that are held until it has taken them: some hundred. */
export const COMMANDS_HELD = 16_384;

/** Messages taken from todo in one turn of the loop: reports and other mail have theirs. */
export const TODO_BATCH = 32;

/** Messages being finished (bounce sent, files removed) at the same time, for the same reason. */
export const DONE_PARALLEL = 8;

/** Names of new messages remembered from directory events, to be served before a backlog is worked through. */
export const FRESH_MAX = 1000;

/** Directory entries fetched by one readdir call. */
export const READDIR_BATCH = 256;

/** Entries of mess looked at before others get a turn. */
export const CLEANUP_BATCH = 64;

/** Bytes read at once from todo and channel files. */
export const READ_CHUNK = 8192;

/** Records that are already done, passed over in one turn of the loop. */
export const SKIP_BATCH = 1000;

/** Bytes of a message copied into its bounce at once. */
export const COPY_CHUNK = 65536;

/** Milliseconds between a recipient's mark and its fsync, which serves all that are marked until then. */
export const MARK_DELAY = 250;

/** How long a bounce may take to be queued before it is given up and tried again later. */
export const INJECT_TIMEOUT = 1200;

/** How long the first bounces wait for the queue server, which is started together with qmail-send. */
export const QUEUE_START = 30;

/** After SIGTERM, how long preprocessing and bounces under way may take to end; deliveries take what they need. */
export const STOP_GRACE = 60;

/** Threads for file operations: each fsync holds one, and those under way together share a journal commit. */
export const THREADS = 32;

/** Recipients of one todo file rewritten in one turn of the loop. */
export const REWRITE_BATCH = 500;

/** Bytes of log lines written at once: no more than a pipe takes without mixing them with another writer's. */
export const LOG_BATCH = 4096;

/** A log that takes no bytes holds qmail-send up for at most this long, once; then lines are dropped. */
export const LOG_PATIENCE = 10;

/** qmail-clean: a request's bytes, its NUL included. */
export const CLEAN_REQUEST_MIN = 7;
export const CLEAN_REQUEST_MAX = 100;

/** Milliseconds for which a request to qmail-clean whose answer nobody waits for waits for company. */
export const CLEAN_PATIENCE = 10;

/** qmail-clean looks for old files in pid before the first and then before every 31st further request. */
export const PID_SWEEP_EVERY = 31;

/** Seconds for which qmail-start waits for the end of an earlier qmail-send's qmail-clean. It has at most a pipe's fill to do. */
export const CLEAN_END = 60;
