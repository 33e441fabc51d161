// Bounds of a virtual domain, each with its reason.

/** Bytes of a user name: with a directory of hash slices it must stay one file name (NAME_MAX is 255). */
export const USER_NAME_MAX = 200;

/** Bytes of a forwarding address: what qmail-smtpd takes in a path (RFC 5321 4.5.3.1.3 asks for 256). */
export const ADDRESS_MAX = 900;

/** How often a deletion tries to empty a directory that others still write to; VMailMgr's number. */
export const REMOVE_TRIES = 3;

/** Bytes of an autoresponse that are read: VMailMgr's number, and what fits into one reply of its daemon. */
export const AUTORESPONSE_MAX = 65_535;
