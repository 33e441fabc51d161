// Bounds of local delivery, each with its reason.

/** Bytes of one .qmail file: tens of thousands of forwards. A bigger one is a mistake, and would be held in memory. */
export const DOTQMAIL_MAX = 4 * 1024 * 1024;

/** Bytes of a message read at once: nearly every message has fewer. */
export const MESSAGE_CHUNK = 65_536;

/** Seconds to wait for another process's lock on an mbox file; qmail's own number. */
export const MBOX_LOCK_SECONDS = 30;

/** Milliseconds between two looks at a busy mbox lock: first and longest. */
export const MBOX_LOCK_POLL = { first: 10, longest: 250 } as const;

/** Bytes of a delivery's output that qmail-lspawn reports; more is cut. qmail's own number. */
export const REPORT_KEPT = 3000;

/** Bytes that qmail-getpw may answer: six fields, of which the address is at most 1003 bytes. */
export const GETPW_ANSWER_MAX = 16384;

/** Milliseconds for which an answer of qmail-getpw is used again: long enough for a burst of mail to one address. */
export const RECENT_TIME = 2_000;

/** Answers of qmail-getpw that are kept. */
export const RECENT_MAX = 1_000;

/** Milliseconds a program of a .qmail file may run: the day that qmail gives a delivery to a maildir. */
export const PROGRAM_TIME = 86_400_000;
