// Every bound of this package, with its reason. Address lengths are in @q/address, hops in @q/message.

/** A command line, in bytes. RFC 5321 asks for 512 and extensions add to it; twice an address of 900 bytes, quoted. */
export const COMMAND_LINE_MAX = 2048;

/** Commands in a row that were none: a web browser, a spammer's script, or a peer out of step. */
export const BAD_COMMANDS_MAX = 20;

/** Recipients of one message: RFC 5321 asks for 100. A client told 452 sends the rest in its next one. */
export const RECIPIENTS_MAX = 1000;

/** The header of a message, in bytes: what programs further on may want to hold at once. */
export const HEADER_MAX = 256 * 1024;

/** Seconds one connection may last: qmail-queue's own alarm ends a message that takes longer. */
export const SESSION_MAX = 86400;

/** control/timeoutsmtpd when there is none, in seconds. */
export const TIMEOUT_DEFAULT = 1200;

/**
 * A control file changed less than this many milliseconds ago is read again for the next connection: file systems
 * keep times in steps of up to 2 s, and two changes in one step look like one.
 */
export const SETTLED_MS = 2000;
