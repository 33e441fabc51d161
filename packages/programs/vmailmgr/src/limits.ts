// Bounds of the domain tools and of vdeliver, each with its reason.

/** Bytes of a password line. checkvpw takes 512 bytes for name, password and stamp together. */
export const PASSWORD_MAX = 480;

/** Bytes of a user name: with a directory of hash slices it must stay one file name (NAME_MAX is 255). */
export const USER_NAME_MAX = 200;

/** Bytes of a forwarding address: what qmail-smtpd takes in a path (RFC 5321 4.5.3.1.3 asks for 256). */
export const ADDRESS_MAX = 900;

/** How often vdeluser tries to empty a directory that others still write to; the original's number. */
export const REMOVE_TRIES = 3;
