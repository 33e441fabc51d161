// What the two ends of a spawn pipe accept from each other. Neither end trusts the other: qmail-rspawn
// talks to the whole network, and qmail-lspawn runs as root.

/** Slots a spawner offers, as its first byte (conf-spawn). More processes than this need more than a pipe. */
export const SPAWN_LIMIT = 120;

/** The most slots one byte can number. */
export const SLOT_MAX = 255;

/** A message name with its NUL may have this many bytes: "22/" and a 64-bit inode number need 24. */
export const MESSAGE_NAME_MAX = 100;

/**
 * The most bytes of one field of a command. A queue address has at most 1003 bytes; a virtual domain's
 * prepend and VERP expansion can each add a domain or an address; nothing sane is near this.
 */
export const FIELD_MAX = 65536;

/** A report, with its slot byte, is cut here by qmail-send; spawners keep theirs shorter. */
export const REPORT_MAX = 10000;
