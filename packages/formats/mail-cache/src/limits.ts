// Bounds on what the cache holds, in memory and on disk, and why.

/** UIDs of one block of facts: some 30 kB, which are read at once for SORT and written anew when a message is added. */
export const FACTS_SHIFT = 6;

/** UIDs of one block of structures: larger each, and often wanted one by one. */
export const STRUCTURES_SHIFT = 4;

/** UIDs of one block of previews. */
export const PREVIEWS_SHIFT = 6;

/** UIDs of one block of renderings, some 600 bytes each, which are sent for whole mailboxes at a time. */
export const RENDERINGS_SHIFT = 6;

/** UIDs of one block of states (flags and mod-sequences), some 12 bytes each; STORE of one message writes one block. */
export const STATES_SHIFT = 8;

/** Bytes of records not yet written: reached, they are written at once. Some 600 messages; a crash loses at most these. */
export const PENDING_MAX = 1024 * 1024;

/** Milliseconds that new records may wait for others, to be written together. */
export const FLUSH_AFTER = 1000;

/** Bytes of blocks and decoded facts an account keeps in memory while it is used: those of 30,000 messages. */
export const MEMORY_MAX = 32 * 1024 * 1024;

/** Milliseconds without use after which an account keeps nothing in memory: an idle connection must be cheap. */
export const FORGET_AFTER = 20_000;

/** Milliseconds without use after which the engine is closed: a client that asks again later waits a millisecond longer. */
export const CLOSE_AFTER = 5000;

/** Message files of one folder that are open at a time: reads overlap, descriptors stay few. */
export const LOADS_MAX = 8;

/** Bytes of a message file read into memory at once; a larger one is parsed in pieces of this size. */
export const WHOLE_MAX = 256 * 1024;

/** Bytes of one record of a structure or of facts. A message with more (10,000 parts) is parsed each time. */
export const RECORD_MAX = 512 * 1024;

/** Bytes of the list of expunged UIDs; older ones are forgotten, and a client that asks for them gets all that are missing. */
export const GONE_BYTES_MAX = 256 * 1024;

/** Days without use after which a folder's records are dropped: those of a UIDVALIDITY that was, above all. */
export const UNUSED_DAYS = 60;

/** Ends of processes without closing the cache, within UNCLEAN_WINDOW, after which it is not trusted: a damaged page may kill its readers. */
export const UNCLEAN_MAX = 3;

/** Milliseconds. */
export const UNCLEAN_WINDOW = 60 * 60 * 1000;

/** Bytes that must be free on the disk for the cache to grow: what is left is for mail. */
export const FREE_MIN = 4 * 1024 * 1024;

/** Milliseconds between two looks whether the cache on disk is still the one that is open. */
export const LOOK_AGAIN = 1000;

/** Processes that may read a cache at a time: LMDB's table of readers is made for so many. */
export const READERS_MAX = 126;

/** Bytes kept when the cache cannot be on disk; beyond, what can be had from the files again is forgotten. */
export const UNSTORED_MAX = 16 * 1024 * 1024;

/** Milliseconds of work after which the event loop gets a turn. */
export const TURN = 8;

/** Bytes of searchable text of a message's header, and of its body, that are indexed; longer ones are read at each search. */
export const INDEXED_MAX = 512 * 1024;

/** Bytes of text that one segment gathers: read in one step, searched in under a millisecond, rewritten while it fills. */
export const SEGMENT_TEXT = 256 * 1024;

/** Milliseconds between two looks for indexed text of messages that are gone. */
export const COMPACT_AFTER = 10 * 60 * 1000;

/** Bytes of a field taken as one; what is beyond goes on as another piece, decoded for itself. */
export const FIELD_MAX = 128 * 1024;

/** Messages to be read one soon after the other before a thread is started for it, which costs as much as reading some hundreds. */
export const MANY_UNKNOWN = 200;

/** Milliseconds without one after which they are counted anew. */
export const UNKNOWN_PAUSE = 1000;

/** Milliseconds that the thread is kept with nothing to do: its memory is given back then. */
export const READER_KEPT = 3000;

/** Milliseconds after the thread failed before there is another. */
export const READER_PAUSE = 5 * 60 * 1000;

/** Megabytes of V8's heap that the thread may have: a message it cannot parse in so much ends the thread, not the process. */
export const READER_HEAP_MB = 128;

/** Bytes of a message file that the thread reads; larger ones are read in pieces by who wants them. */
export const ELSEWHERE_FILE_MAX = 128 * 1024;

/** Files of a batch, and bytes above which it is full: a few milliseconds of work. */
export const BATCH_FILES = 32;
export const BATCH_BYTES = 512 * 1024;

/** Batches that the thread has at a time: the one it works on, and the next. */
export const BATCHES_MAX = 2;

/** Messages that are open for the thread at a time: its batches, and the one that is gathered meanwhile. */
export const ELSEWHERE_MAX = (BATCHES_MAX + 1) * BATCH_FILES;
