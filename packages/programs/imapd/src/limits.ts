// What an IMAP client may make us hold or do. Each number with its reason.

/** Seconds without a byte from a client that has logged in. RFC 9051, section 5.4: 30 minutes at least, in IDLE too. */
export const IDLE_SECONDS = 1800;

/** Seconds from greeting to login, however busily the client trickles. */
export const LOGIN_SECONDS = 180;

/** Seconds to read on after our last word, so that no reset takes it away. */
export const LINGER_SECONDS = 2;

/** Longest name, and longest password, in bytes: twice what checkpassword's interface takes of both. */
export const CREDENTIAL_MAX = 1024;

/** Logins that may fail on one connection. */
export const TRIES_MAX = 3;

/** Milliseconds before the first login that failed is answered; after the second twice that, and so on. */
export const FAILED_WAIT = 1000;

/** Commands in a row that are none: a client that does not speak IMAP, or guesses. */
export const BAD_COMMANDS_MAX = 20;

/** Bytes of answers that wait for the end of a batch; then the client must take them before the next command is read. */
export const QUEUED_MAX = 32 * 1024;

/** Milliseconds that an answer which is ready waits for more to go with it. */
export const GATHER_MS = 200;

/** Milliseconds of work after which other sessions of the process have a turn. */
export const TURN_MS = 10;

/**
 * Milliseconds after which a client is told how far its command has come, and between such lines (RFC 9585, section 4): clients
 * wait for half a minute at least before they give up.
 */
export const PROGRESS_FIRST_MS = 2000;
export const PROGRESS_NEXT_MS = 5000;

/** Largest message APPEND takes, in bytes, where nobody said otherwise: what the large providers take, and room to spare. */
export const APPEND_LIMIT = 128 * 1024 * 1024;

/** Messages of one APPEND: each is a file that is open until the last has come. */
export const SPOOLS_MAX = 100;

/** Bytes of the part of a log line that a client chose. */
export const LOGGED_MAX = 256;

/** Milliseconds an account's caches and open folders are kept after its last session: mail clients come again every few minutes. */
export const ACCOUNT_KEPT = 120_000;

/** Milliseconds between two times that a Maildir is tidied (old messages of Trash): its clients log in every few minutes. */
export const TIDY_EVERY = 6 * 3_600_000;
