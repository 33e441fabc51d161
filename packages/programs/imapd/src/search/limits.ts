// What a search may take and keep. Each number with its reason.

/** BODY and TEXT keys of one search: each may read all messages. Programs that look for several words have a dozen. */
export const BODY_KEYS_MAX = 100;

/** Messages that a search waits for at a time to learn what the cache does not know: as many as that reads at a time. */
export const FACTS_AT_ONCE = 96;

/** Ranges that "$" keeps for a session that may be idle for hours: every second message of a folder of 200,000. */
export const SAVED_RANGES_MAX = 100_000;

/** Searches of a session that are kept up to date; each remembers which messages it found. */
export const CONTEXTS_MAX = 8;

/** Changed messages that such a result is compared with while nobody else has a turn: under a millisecond's work. */
export const COMPARED_AT_ONCE = 500;

/** Characters of an answer that are written at a time. */
export const PIECE_LENGTH = 16 * 1024;

/** Messages of a folder whose keys THREAD keeps: some 250 bytes each. */
export const THREAD_KEYS_MAX = 100_000;

/** Milliseconds that it keeps them without being asked again: an idle session must be cheap. */
export const THREAD_KEYS_KEPT_MS = 20_000;
