// The account's numbers and how they hang together.

/** Bytes of a folder's directory name: NAME_MAX of every usual file system. */
export const DIRECTORY_MAX = 255;

/** Bytes of a mailbox name in UTF-8, prefix included. Above DIRECTORY_MAX, for shared folders stand below names of their own. */
export const NAME_MAX = 1000;

/** Milliseconds for which the times of a changed directory may stay the same: FAT counts two seconds, others much finer. */
export const CLOCK_GRAIN = 2000;

/** Directories that are looked at between two turns of the event loop: about a millisecond. */
export const LOOK_BATCH = 256;

/** Bytes of a subscriptions file; some 20,000 names of usual length. */
export const SUBSCRIPTIONS_MAX = 1_048_576;

/** Milliseconds after which a folder on its way in tmp was left there by a crash: a day, as removing a large one takes long. */
export const LEFT_OVER_AGE = 86_400_000;

/** Bytes of the special-use file: a few lines. */
export const SPECIAL_USE_MAX = 65_536;

/** Bytes of a folder's access list. Every look at a shared mailbox reads it. */
export const ACL_MAX = 65_536;

/** Bytes of an identifier in an access list: a login name and what may stand before it. */
export const IDENTIFIER_MAX = 255;

/** Annotations of a mailbox, all users' together. */
export const METADATA_ENTRIES = 200;

/** Bytes of one annotation: comments and small settings, no place for mail. */
export const METADATA_VALUE_MAX = 65_536;

/** Bytes of all annotations of a mailbox, as they are stored. */
export const METADATA_MAX = 1_048_576;

/** Bytes of an index of shared accounts: some 100,000 lines. */
export const INDEX_MAX = 8_388_608;

/** Levels of groups in indexes of shared accounts. One that names itself would have no end. */
export const INDEX_DEPTH = 8;

/** Bytes of the list of Maildirs with shared folders of the old kind. */
export const SHARED_MAILDIRS_MAX = 65_536;

/** Milliseconds after which the list of a level without folders is of no use: Courier's hour. */
export const UNUSED_LIST_AGE = 3_600_000;
