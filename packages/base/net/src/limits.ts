// Every bound of this package, with its reason.

/** Bytes read from a socket at once, and of a room: what Node itself asks the kernel for. */
export const READ_SIZE = 65_536;

/** Rooms kept for the next who needs one: a megabyte, enough for as many connections as have a message under way. */
export const ROOMS_KEPT = 16;

/** Bytes that were read and that nobody has asked for: past this the peer has to wait. Two reads. */
export const AHEAD_MAX = 2 * READ_SIZE;

/** Chunks in rooms that nobody has asked for: however small they are, each holds a room. */
export const ROOMS_AHEAD_MAX = 2;

/** The longest delay a Node timer can have, in milliseconds. */
export const TIMER_MAX = 2 ** 31 - 1;
