// The numbers of a folder and how they hang together.

/** Keywords a folder may have, all messages together. Each has a line in the answer to SELECT; clients use a dozen. */
export const KEYWORDS_MAX = 200;

/** Bytes of a keyword that is made here. */
export const KEYWORD_LENGTH_MAX = 255;

/** Bytes of courierimapuiddb that are read: over a million messages. What is longer is garbage and made anew. */
export const UIDDB_MAX = 134_217_728;

/** Bytes of courierimapkeywords/:list, likewise. */
export const KEYWORD_LIST_MAX = 67_108_864;

/** Bytes of a file that has the keywords of one message. */
export const KEYWORD_FILE_MAX = 65_536;

/** The largest number that is a UID or a UIDVALIDITY: 32 bits (RFC 9051, section 2.3.1.1). */
export const UID_MAX = 0xffff_ffff;

/** A line of courierimapuiddb that says a UID so far above the next one is garbage; believing it would use up all UIDs. */
export const UID_LEAP_MAX = 1_000_000;

/** Seconds that are taken off a time to make a UIDVALIDITY: Courier's. */
export const UIDVALIDITY_EPOCH = 1_000_000_000;

/** Milliseconds of work in a loop over a folder before other sessions have their turn. */
export const TURN_MS = 8;

/** Milliseconds within which two changes of a directory may leave the same time: some ticks of the kernel's clock. */
export const CLOCK_TICK_MS = 30;

/** The same where a file system counts in whole milliseconds or seconds, as ext3 and some NFS servers do. */
export const COARSE_TICK_MS = 2500;

/**
 * After a change of our own the directory is not read again for so long unless somebody else changes it as well: a change
 * that hit the same tick as ours is seen so late at worst. What is stored meanwhile does not rely on it: see store.ts.
 */
export const VERIFY_MS = 1000;

/** Tries to read a directory while others rename in it; then what was not seen is believed to be there still. */
export const SCAN_TRIES = 4;

/** Times a file's name is looked up when another program renames it at the same time. */
export const NAME_TRIES = 4;

/** Times a call is made that NFS answers with ESTALE. */
export const STALE_TRIES = 4;

/** Changes that are remembered for changesSince(); who is further behind compares all messages. */
export const CHANGES_KEPT = 8192;

/** Bytes of a base: with flags, or with what courierimapkeywords puts before it, a name must stay below NAME_MAX (255). */
export const BASE_MAX = 230;

/** Different endings of file names (":2,S") that are kept once for all messages; more than these are hostile. */
export const ENDINGS_KEPT = 4096;

/** Milliseconds between looks at the disk while somebody watches: Courier's IMAP_IDLE_TIMEOUT. */
export const POLL_MS = 60_000;

/** Milliseconds for which changes are gathered before watchers are told. */
export const GATHER_MS = 20;

/** Milliseconds to wait for tmp/courier.lock; a rewrite of the largest uiddb takes a second. */
export const LOCK_WAIT_MS = 30_000;

/** Milliseconds between two tries for the lock: the first, and the longest. */
export const LOCK_RETRY_MS = 4;
export const LOCK_RETRY_MAX_MS = 250;

/** Age in milliseconds at which a lock of another host is stale: Courier's. */
export const LOCK_STALE_MS = 120_000;

/** Age in milliseconds at which a lock is stale whoever has it: nothing takes so long. */
export const LOCK_HELD_MAX_MS = 600_000;

/** Keyword files of single messages from which on they are folded into the list. */
export const FOLD_FILES = 64;

/** Messages whose keywords change at once from which on the list is rewritten, rather than a file made for each. */
export const KEYWORD_BATCH = 64;

/** Seconds a period of the names of keyword files lasts: Courier's. */
export const KEYWORD_PERIOD = 300;

/** Seconds after which a keyword file of no message is garbage: Courier's. */
export const KEYWORD_STALE = 900;

/** Messages that are moved before another session may do something in the folder. */
export const MOVE_BATCH = 512;

/** Folders nobody has open that are kept in memory, and the messages of all of them together (some 250 bytes each). */
export const WARM_FOLDERS = 16;
export const WARM_MESSAGES = 200_000;

/** UIDs of gone messages a process remembers where no cache does. */
export const GONE_KEPT = 16_384;

/** Bytes gathered before a write(2) into a spool. */
export const SPOOL_GATHER = 65_536;

/** Characters of a log line: the longest path there is would hide what is said of it. */
export const LOG_LINE_MAX = 1024;
