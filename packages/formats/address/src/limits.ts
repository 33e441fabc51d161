// How long an address may be, in bytes, and why.

/**
 * An address in a MAIL or RCPT command. qmail-smtpd counts a NUL at its end within 900, and leaves the rest
 * of the 1003 below for what RELAYCLIENT, virtualdomains and envnoathost add.
 */
export const PATH_MAX = 899;

/** An address in the envelope that qmail-queue reads: 1003 with its NUL. Must exceed PATH_MAX. */
export const ENVELOPE_ADDRESS_MAX = 1002;
