// Bounds of account names and numbers.

/** qmail-getpw asks for names of fewer bytes than this (32 with the terminating NUL in C). */
export const ACCOUNT_NAME_MAX = 31;

/** uid_t and gid_t are 32 bits; the highest value means "no one" to chown(2) and setuid(2). */
export const ID_MAX = 0xffff_fffe;

/** BREAK: what stands between a user's name and an extension (conf-break). */
export const BREAK = '-';
