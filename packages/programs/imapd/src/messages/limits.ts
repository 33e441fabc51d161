// What FETCH, COPY and APPEND hold and how long they go on unheard. Each number with its reason.

/** Bytes of a chunk of a large message on its way to the client. */
export const CHUNK_BYTES = 64 * 1024;

/** A file of so many bytes is read whole before anything is said of it; most mail is smaller. */
export const HELD_FILE_MAX = 64 * 1024;

/** Bytes that are read of a message of which only the header is wanted: nearly all headers are shorter. */
export const HEAD_BYTES = 8 * 1024;

/** Messages that are read ahead of the one being sent, so that a disk has several to look for: with HELD_FILE_MAX half a megabyte. */
export const AHEAD = 8;

/** The same where only what the cache makes of messages is wanted: as many as it reads at a time. */
export const AHEAD_DESCRIBED = 96;

/** Bytes of a decoded part or of selected header fields that are kept between counting and sending; of larger ones the file is read twice. */
export const MEASURED_MAX = 256 * 1024;

/** A literal of so few bytes is put between the text around it: one write instead of three. */
export const SMALL_LITERAL = 4096;

/** Bytes of answers that are gathered before they are given to the connection. */
export const GATHERED_MAX = 32 * 1024;

/** Answers after which the session is asked whether others should have a turn. */
export const ANSWERS_A_TURN = 64;

/** Messages that are marked \Seen in one go, before they are sent: a client that hangs up has not marked the whole mailbox. */
export const MARKED_AT_ONCE = 500;

/** INTERNALDATE's bounds in milliseconds: what every file system can keep as the time of a file (unsigned 32 bits of seconds). */
export const DATE_MIN = 0;
export const DATE_MAX = 0xffff_ffff * 1000;

/** Seconds that sendmail may take for a message: some have it looked at for spam and worms first. */
export const SEND_SECONDS = 300;

/** Bytes of what sendmail says that are kept: its first line is told to the client. */
export const SAID_MAX = 4096;

/** Characters of that line. */
export const REASON_MAX = 200;

/** Milliseconds that what sendmail said is waited for when it has ended: a process that it left behind may hold the pipe. */
export const SAID_WAIT = 1000;

/** Bytes of the header of a binary part, which is changed in memory. */
export const BINARY_HEADER_MAX = 256 * 1024;

/**
 * Ranges of UIDs a client that says what it knows is told to be gone, whenever they went: some ten kilobytes. One that says "1:99999"
 * of a mailbox with more gaps than that is told only of what went since.
 */
export const VANISHED_RANGES_MAX = 1000;
