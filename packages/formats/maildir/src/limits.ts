// The maildir's numbers and how they hang together.

/** Seconds a delivery may take: qmail-local's alarm. */
export const DELIVERY_TIMEOUT = 86_400;

/** Seconds since its last use after which a file in tmp is garbage. Must exceed DELIVERY_TIMEOUT. */
export const TMP_LIFETIME = 129_600;

/** Names tried for one message. Each is new by second, process and counter; more than a few taken means sabotage. */
export const NAME_TRIES = 10;

/** Bytes gathered before a write(2): small messages take one. */
export const WRITE_SIZE = 65_536;

/** Bytes of a piece that is worth a write of its own, rather than a copy. */
export const GATHERED_SIZE = 16_384;

/** Longest host part of a name, in bytes: HOST_NAME_MAX. It keeps names far below NAME_MAX (255). */
export const HOST_MAX = 64;

/** Bytes from which on a maildirsize is counted anew: Maildir++'s number, some 360 totals. */
export const SIZE_FILE_MAX = 5120;

/** Seconds for which a count that found the mailbox full is believed: Maildir++'s number. */
export const RECOUNT_SECONDS = 900;

/** Names of a directory that are read between two turns of the event loop: less than a millisecond. */
export const SCAN_BATCH = 1024;

/** Files that are looked at between two turns. */
export const STAT_BATCH = 64;
