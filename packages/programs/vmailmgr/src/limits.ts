// Bounds of the domain tools, each with its reason.

/** Bytes of a password line. checkvpw takes 512 bytes for name, password and stamp together. */
export const PASSWORD_MAX = 480;

/** Bytes of a line for vaddusers or vpasswds: a name, a password and some dozen aliases. */
export const BULK_LINE_MAX = 16 * 1024;

/** Lines prepared at once: enough to keep the four threads that hash and sync busy. */
export const BULK_PREPARED = 8;

/** How long lines are prepared before the table is written, in seconds: what a kill can cost. */
export const BULK_SECONDS = 60;

/** A pause of the input after which what is there is stored, in milliseconds. */
export const BULK_IDLE = 200;

/** Bytes of the old text table: some hundred thousand users. It is read as a whole. */
export const TEXT_TABLE_MAX = 64 * 1024 * 1024;

/** Bytes of an old configuration file: some twenty lines. */
export const CONFIG_FILE_MAX = 64 * 1024;

/** Entries of a maildir that vcheckquota counts: at 5 microseconds each this is a delivery that takes 25 seconds. */
export const MAILBOX_ENTRIES_MAX = 5_000_000;

/** Bulletins in a directory that vpopbull looks at: all of them are kept while they are sorted by age. */
export const BULLETINS_MAX = 10_000;
