// How much commands on mailboxes do at a time, or at all.

/** Names that are listed before the client is waited for: some 50 bytes each, so a few kilobytes. */
export const LIST_BATCH = 64;

/** Messages that are counted before others have a turn: well under a millisecond. */
export const COUNT_BATCH = 5000;

/**
 * Mailboxes other than the selected one that NOTIFY watches for a session. Each costs two watches of the kernel's (8,192 for a
 * user, of old) and its list of messages in memory, which sessions of the same user share.
 */
export const WATCHED_MAX = 200;

/** Mailboxes that may have something to tell before a client that does not read is left alone: RFC 5465, section 5.8. */
export const WATCH_SETTLE_MS = 50;
