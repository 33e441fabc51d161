// What a POP3 client may make us hold or do. Each number with its reason.

/** Lines of a LIST or UIDL answer that are built before the client must have taken them. */
export const LIST_BATCH = 2000;

/** Files looked at, moved or removed between two turns of the event loop: others' sessions wait that long, no longer. */
export const STAT_BATCH = 64;

/** The same for files whose names tell everything. */
export const NAME_BATCH = 2048;

/** Seconds without a byte from a client that has logged in: qmail-pop3d's. RFC 1939 asks for 600 at least. */
export const IDLE_SECONDS = 1200;

/** Seconds to read on after our last word, so that no reset takes it away. */
export const LINGER_SECONDS = 2;

/** Courier's list of unique-ids, in bytes: 300 000 messages. A larger one is no list. */
export const COURIER_LIST_MAX = 32 * 1024 * 1024;
