// Bounds of the programs that .qmail files call, each with its reason.

/** Bytes of utmp that are looked at: some 27,000 logins. */
export const UTMP_MAX = 10 * 1024 * 1024;

/** Characters of subject and body that qbiff shows: one line of a terminal. */
export const ANNOUNCED_TEXT = 78;

/** Days within which a sender gets one reply, if replier is not told. */
export const REPLY_DAYS = 7;
