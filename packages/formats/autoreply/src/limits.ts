// Bounds of automatic replies, each with its reason.

/** Bytes of the text of a reply: it goes out for every stranger's message. */
export const REPLY_TEXT_MAX = 65_536;

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
