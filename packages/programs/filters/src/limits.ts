// Bounds of the programs that .qmail files call, each with its reason.

/** Bytes of utmp that are looked at: some 27,000 logins. */
export const UTMP_MAX = 10 * 1024 * 1024;

/** Characters of subject and body that qbiff shows: one line of a terminal. */
export const ANNOUNCED_TEXT = 78;

/** Bytes of replier's text: it goes out for every stranger's message. */
export const REPLY_TEXT_MAX = 65_536;

/** Days within which a sender gets one reply, if replier is not told. */
export const REPLY_DAYS = 7;

/**
 * Senders remembered at a time. When so many have had a reply within the days, nobody gets one: that many
 * at once are forged, and the replies would go to people who never wrote.
 */
export const REMEMBERED_MAX = 5000;

/** Bytes of a sender that can get a reply: RFC 5321's path, and it keeps the memory small. */
export const REPLY_ADDRESS_MAX = 256;

/** Bytes of the memory file: what REMEMBERED_MAX records can have. A bigger one is not ours. */
export const MEMORY_FILE_MAX = REMEMBERED_MAX * (REPLY_ADDRESS_MAX + 18);

/** Message-IDs in a reply's References: the first and the last ones, as RFC 5322 readers need them. */
export const REFERENCES_MAX = 20;

/** Bytes of one Message-ID that is repeated in a reply. */
export const MESSAGE_ID_MAX = 250;

/** Bytes of the original's subject that a reply repeats; a longer one is not repeated at all. */
export const REPEATED_SUBJECT_MAX = 700;
